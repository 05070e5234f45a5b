//! Readers and splits, on files made here.

use archsmith_ir::Seed;
use archsmith_train::data::{Augment, BatchShape, Batches};
use archsmith_train::{DataError, DataRef, Dataset, SplitConfig, Splits};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

const FLIP: Augment = Augment { flip: true, crop: 0 };

const NAMES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

fn idx(sizes: &[u32], elements: &[u8]) -> Vec<u8> {
    let mut out = vec![0, 0, 8, sizes.len() as u8];
    sizes.iter().for_each(|s| out.extend(s.to_be_bytes()));
    out.extend(elements);
    out
}

/// Images whose pixels are 10 times their label plus a little.
fn images(n: u32) -> (Vec<u8>, Vec<u8>) {
    let labels: Vec<u8> = (0..n).map(|i| (i % 10) as u8).collect();
    let pixels: Vec<u8> = labels.iter().enumerate().flat_map(|(i, l)| vec![l * 10 + (i % 7) as u8; 784]).collect();
    (idx(&[n, 28, 28], &pixels), idx(&[n], &labels))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    e.write_all(bytes).unwrap();
    e.finish().unwrap()
}

fn made(folder: &Path, zipped: bool) {
    let ((a, b), (c, d)) = (images(100), images(40));
    for (name, bytes) in NAMES.iter().zip([a, b, c, d]) {
        if zipped {
            std::fs::write(folder.join(format!("{name}.gz")), gzip(&bytes)).unwrap();
        } else {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
    }
}

#[test]
fn idx_files_are_read_gzipped_or_not() {
    let (plain, zipped) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    made(plain.path(), false);
    made(zipped.path(), true);
    let a = Dataset::fashion_mnist(plain.path()).unwrap();
    let b = Dataset::fashion_mnist(zipped.path()).unwrap();
    assert_eq!(a.id(), b.id());
    assert_eq!((a.train.labels.len(), a.test.labels.len(), a.size), (100, 40, [1, 28, 28]));
    assert_eq!(a.train.images[784], 11);
}

#[test]
fn damaged_idx_files_say_what_is_wrong() {
    let ((a, b), (c, d)) = (images(20), images(10));
    let error = |a: &[u8], b: &[u8]| match Dataset::embedded(a, b, &c, &d) {
        Err(e @ DataError::Damaged { .. }) => e.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(error(&a[..a.len() - 1], &b).contains("15680 elements"));
    assert!(error(&a[..3], &b).contains("header"));
    assert!(error(&b, &b).contains("mark"));
    assert!(error(&a, &images(19).1).contains("20 labels"));
    let zipped = gzip(&a);
    assert!(error(&zipped[..zipped.len() / 2], &b).contains("gzip"));
    let mut wrong = b.clone();
    wrong[8] = 77;
    assert!(error(&a, &wrong).contains("77"));
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), true);
    std::fs::remove_file(folder.path().join(format!("{}.gz", NAMES[3]))).unwrap();
    let error = Dataset::fashion_mnist(folder.path()).unwrap_err().to_string();
    assert!(error.contains(NAMES[3]), "{error}");
}

fn record(label: u8) -> Vec<u8> {
    let mut r = vec![label];
    for c in 0..3u8 {
        r.extend((0..1024).map(|i| (i % 32) as u8 + 50 * c));
    }
    r
}

#[test]
fn cifar_binary_batches_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for i in 1..=5 {
        std::fs::write(folder.path().join(format!("data_batch_{i}.bin")), [record(i), record(0)].concat()).unwrap();
    }
    let missing = DataRef::Cifar10Binary { dir: folder.path().into() }.load().unwrap_err();
    assert!(missing.to_string().contains("test_batch.bin"));
    std::fs::write(folder.path().join("test_batch.bin"), record(9)).unwrap();
    let data = Dataset::cifar10_binary(folder.path()).unwrap();
    assert_eq!(data.train.labels, [1, 0, 2, 0, 3, 0, 4, 0, 5, 0]);
    assert_eq!((data.test.labels.as_slice(), data.test.images[1024 + 3]), (&[9][..], 53));
    std::fs::write(folder.path().join("test_batch.bin"), &record(9)[1..]).unwrap();
    assert!(Dataset::cifar10_binary(folder.path()).unwrap_err().to_string().contains("3073"));
}

#[cfg(feature = "parquet")]
mod parquet_form {
    use super::*;
    use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    /// Rows of a PNG and a label in each of the columns `labels`.
    fn write<const N: usize>(path: &Path, labels: [&str; N], rows: &[(Vec<u8>, [i64; N])]) {
        let columns: String = labels.iter().map(|name| format!("optional int64 {name}; ")).collect();
        let schema = format!(
            "message schema {{ optional group img {{ optional binary bytes; optional binary path (UTF8); }} {columns}}}"
        );
        let schema = Arc::new(parse_message_type(&schema).unwrap());
        let file = std::fs::File::create(path).unwrap();
        let mut writer = SerializedFileWriter::new(file, schema, Default::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let n = rows.len();
        for column in 0..2 + N {
            let mut w = group.next_column().unwrap().unwrap();
            if let Some(label) = column.checked_sub(2) {
                let values: Vec<i64> = rows.iter().map(|r| r.1[label]).collect();
                w.typed::<Int64Type>().write_batch(&values, Some(&vec![1; n]), None).unwrap();
            } else {
                let values: Vec<ByteArray> =
                    rows.iter().map(|r| if column == 0 { r.0.clone().into() } else { "a.png".into() }).collect();
                w.typed::<ByteArrayType>().write_batch(&values, Some(&vec![2; n]), None).unwrap();
            }
            w.close().unwrap();
        }
        group.close().unwrap();
        writer.close().unwrap();
    }

    fn png(red: u8) -> Vec<u8> {
        let image = image::RgbImage::from_fn(32, 32, |x, _| image::Rgb([red, x as u8, 3]));
        let mut out = std::io::Cursor::new(Vec::new());
        image.write_to(&mut out, image::ImageFormat::Png).unwrap();
        out.into_inner()
    }

    #[test]
    fn cifar_parquet_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let test = folder.path().join("test-00000-of-00001.parquet");
        let label = ["label"];
        write(&folder.path().join("train-00000-of-00001.parquet"), label, &[(png(10), [4]), (png(20), [5])]);
        write(&test, label, &[(png(30), [6])]);
        let data = Dataset::cifar_parquet("cifar10", 10, folder.path()).unwrap();
        assert_eq!((data.train.labels.as_slice(), data.test.labels.as_slice()), (&[4, 5][..], &[6][..]));
        assert_eq!((data.train.images[3072], data.train.images[1024 + 7], data.test.images[2048]), (20, 7, 3));
        write(&test, label, &[(png(30), [10])]);
        let refused = Dataset::cifar_parquet("cifar10", 10, folder.path()).unwrap_err().to_string();
        assert!(refused.contains("10"), "{refused}");
        write(&test, label, &[(b"not a png".to_vec(), [6])]);
        assert!(Dataset::cifar_parquet("cifar10", 10, folder.path()).unwrap_err().to_string().contains("PNG"));
        std::fs::write(&test, b"PAR1").unwrap();
        assert!(Dataset::cifar_parquet("cifar10", 10, folder.path()).unwrap_err().to_string().contains("parquet"));
    }

    #[test]
    fn cifar_100_has_the_fine_labels() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("cifar100");
        std::fs::create_dir(&inner).unwrap();
        let labels = ["fine_label", "coarse_label"];
        write(&inner.join("train-00000-of-00002.parquet"), labels, &[(png(10), [99, 19])]);
        write(&inner.join("train-00001-of-00002.parquet"), labels, &[(png(20), [42, 3])]);
        write(&inner.join("test-00000-of-00001.parquet"), labels, &[(png(30), [7, 1])]);
        let data = DataRef::Cifar100Parquet { dir: folder.path().to_path_buf() }.load().unwrap();
        assert_eq!((data.name.as_str(), data.classes), ("cifar100", 100));
        assert_eq!((data.train.labels.as_slice(), data.test.labels.as_slice()), (&[99, 42][..], &[7][..]));
        assert_eq!(data.train.images[3072], 20);
    }
}

#[test]
fn splits_are_disjoint_balanced_and_seeded() {
    let data = Arc::new(Dataset::embedded_sample().unwrap());
    let config = SplitConfig { validation: 1000, train_limit: Some(2000), test_limit: Some(500), seed: 3 };
    let s = Splits::new(data.clone(), &config).unwrap();
    let set = |v: &[u32]| v.iter().copied().collect::<BTreeSet<_>>();
    assert_eq!((s.train.indices.len(), s.validation.indices.len(), s.test.indices.len()), (2000, 1000, 500));
    assert!(set(&s.train.indices).is_disjoint(&set(&s.validation.indices)));
    assert!(!s.train.of_test && !s.validation.of_test && s.test.of_test);
    for (split, each) in [(&s.train, 200), (&s.validation, 100), (&s.test, 50)] {
        let labels = s.labels(split);
        (0..10).for_each(|k| assert_eq!(labels.iter().filter(|&&l| l == k).count(), each));
    }
    assert_eq!(Splits::new(data.clone(), &config).unwrap().train, s.train);
    assert_ne!(Splits::new(data.clone(), &SplitConfig { seed: 4, ..config }).unwrap().train, s.train);
    // A quick preset trains on a part of what the whole run trains on, and is selected by the same images.
    let whole = Splits::new(data.clone(), &SplitConfig { train_limit: None, ..config }).unwrap();
    assert!(set(&whole.train.indices).is_superset(&set(&s.train.indices)));
    assert_eq!((whole.train.indices.len(), &whole.validation), (9000, &s.validation));
    let error = Splits::new(data, &SplitConfig { validation: 10_000, ..config }).unwrap_err();
    assert!(error.to_string().contains("10000"), "{error}");
}

const NATIVE: BatchShape = BatchShape { channels: 3, height: 32, width: 32 };

#[test]
fn images_are_centred_in_three_channels_and_normalised() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), false);
    let data = Arc::new(Dataset::fashion_mnist(folder.path()).unwrap());
    let s = Splits::new(data, &SplitConfig { validation: 20, train_limit: None, test_limit: None, seed: 0 }).unwrap();
    let batches = Batches::in_order(&s, &s.train, NATIVE, 80);
    assert_eq!(batches.len(), 1);
    let (x, labels) = batches.get(0);
    assert_eq!((x.len(), labels.len()), (80 * 3 * 1024, 80));
    let (mean, std) = s.statistics[0];
    let level = |v: f64| ((v / 255.0 - mean) / std) as f32;
    assert_eq!(x[0], level(0.0));
    let first = f64::from(s.labels(&s.train)[0]) * 10.0 + f64::from(s.train.indices[0] % 7);
    assert_eq!((x[2 * 32 + 2], x[1024 + 2 * 32 + 2], x[29 * 32 + 29]), (level(first), level(first), level(first)));
    assert_eq!((x[2 * 32 + 1], x[30 * 32 + 10]), (level(0.0), level(0.0)));
    let total: f64 = x.iter().map(|&v| f64::from(v)).sum::<f64>() / x.len() as f64;
    let square: f64 = x.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / x.len() as f64;
    assert!(total.abs() < 1e-5 && (square - 1.0).abs() < 1e-4, "{total} {square}");
}

#[test]
fn batches_cover_a_split_and_fill_up_only_for_evaluation() {
    let data = Arc::new(Dataset::embedded_sample().unwrap());
    let s =
        Splits::new(data, &SplitConfig { validation: 70, train_limit: Some(70), test_limit: None, seed: 0 }).unwrap();
    let evaluation = Batches::in_order(&s, &s.validation, NATIVE, 32);
    let labels: Vec<u8> = (0..evaluation.len()).flat_map(|i| evaluation.get(i).1).collect();
    assert_eq!(labels, s.labels(&s.validation));
    assert_eq!((evaluation.get(2).0.len(), evaluation.get(2).1.len()), (32 * 3072, 6));
    let seed = Seed::from_u64(1);
    let training = Batches::shuffled(&s, &s.train, NATIVE, 32, FLIP, &seed);
    assert_eq!(training.len(), 2);
    assert_eq!(training.get(1).0, Batches::shuffled(&s, &s.train, NATIVE, 32, FLIP, &seed).get(1).0);
    assert_ne!(training.get(0).0, Batches::shuffled(&s, &s.train, NATIVE, 32, Augment::default(), &seed).get(0).0);
}

#[test]
fn another_size_is_resampled() {
    let data = Arc::new(Dataset::embedded_sample().unwrap());
    let s =
        Splits::new(data, &SplitConfig { validation: 10, train_limit: Some(10), test_limit: None, seed: 0 }).unwrap();
    let small = Batches::in_order(&s, &s.train, NATIVE, 10).get(0).0;
    let shape = BatchShape { channels: 1, height: 64, width: 64 };
    let large = Batches::in_order(&s, &s.train, shape, 10).get(0).0;
    assert_eq!(large.len(), 10 * 64 * 64);
    // Half-pixel centres: sample (2i+½, …) of the large image lies a quarter from pixel i, three quarters from its neighbour.
    let (i, j) = (15, 15);
    let at = |y: usize, x: usize| small[y * 32 + x];
    let near = |a: f32, b: f32| 0.75 * a + 0.25 * b;
    let expected = near(near(at(i, j), at(i, j - 1)), near(at(i - 1, j), at(i - 1, j - 1)));
    assert!((large[2 * i * 64 + 2 * j] - expected).abs() < 1e-5);
}

#[test]
fn a_crop_shows_a_shifted_image_with_black_around() {
    let data = Arc::new(Dataset::embedded_sample().unwrap());
    let config = SplitConfig { validation: 10, train_limit: Some(64), test_limit: None, seed: 0 };
    let s = Splits::new(data, &config).unwrap();
    let shape = BatchShape { channels: 1, height: 32, width: 32 };
    let seed = Seed::from_u64(3);
    let batch = |augment| Batches::shuffled(&s, &s.train, shape, 64, augment, &seed).get(0);
    let (plain, labels) = batch(Augment::default());
    let (moved, same) = batch(Augment { flip: false, crop: 4 });
    assert_eq!(labels, same, "the order of the images is not touched");
    let black = plain.iter().copied().fold(f32::INFINITY, f32::min);
    let mut seen = BTreeSet::new();
    for (a, b) in plain.chunks(1024).zip(moved.chunks(1024)) {
        let shifted = |dy: i32, dx: i32| {
            let at = |y: i32, x: i32| {
                let inside = (0..32).contains(&y) && (0..32).contains(&x);
                if inside { a[(y * 32 + x) as usize] } else { black }
            };
            (0..1024).all(|i| b[i as usize] == at(i / 32 - dy, i % 32 - dx))
        };
        let all = (-4..=4).flat_map(|dy| (-4..=4).map(move |dx| (dy, dx)));
        seen.insert(all.into_iter().find(|&(dy, dx)| shifted(dy, dx)).expect("a shift of at most four pixels"));
    }
    assert!(seen.len() > 30 && seen.iter().any(|s| s.0 == 4) && seen.iter().any(|s| s.1 == -4), "{seen:?}");
    // Nothing of the image is left in the frame, and nothing fails.
    let far = batch(Augment { flip: true, crop: 100 }).0;
    assert!(far.chunks(1024).any(|image| image.iter().all(|&v| v == black)));
}

#[test]
fn cifar100_is_read_by_its_fine_labels() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("cifar-100-binary");
    std::fs::create_dir(&inner).unwrap();
    let records = |n: u8| (0..n).flat_map(|i| [vec![3, 90 + i], vec![i; 3072]].concat()).collect::<Vec<u8>>();
    let data = DataRef::Cifar100Binary { dir: folder.path().to_path_buf() };
    std::fs::write(inner.join("train.bin"), records(5)).unwrap();
    assert!(data.load().unwrap_err().to_string().contains("test.bin"));
    std::fs::write(inner.join("test.bin"), records(2)).unwrap();
    let found = data.load().unwrap();
    assert_eq!((found.classes, found.size), (100, [3, 32, 32]));
    assert_eq!((&found.train.labels[..], found.test.labels.len()), (&[90, 91, 92, 93, 94][..], 2));
    assert_eq!(found.train.images[2 * 3072..][..3], [2, 2, 2]);
    std::fs::write(inner.join("test.bin"), [0; 3073]).unwrap();
    assert!(data.load().unwrap_err().to_string().contains("3074"));
}

fn picture(path: &Path, side: u32, color: [u8; 3]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::RgbImage::from_pixel(side, side, image::Rgb(color)).save(path).unwrap();
}

#[test]
fn a_folder_of_images_is_a_data_set() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let data = DataRef::Folder { dir: folder.path().to_path_buf(), side: 8 };
    assert!(data.load().unwrap_err().to_string().contains("folder"));
    for i in 0..12 {
        picture(&at(&format!("cat/{i}.png")), 8, [i, 20, 30]);
        picture(&at(&format!("dog/{i}.JPG")), 16, [200, 100, i]);
    }
    let found = data.load().unwrap();
    assert_eq!((found.classes, found.size), (2, [3, 8, 8]));
    assert_eq!((found.train.labels.len(), found.test.labels.len()), (20, 4));
    assert_eq!(found.train.labels.iter().filter(|&&l| l == 1).count(), 10);
    // Planes of one colour stay so, scaled or not.
    let first = &found.train.images[..192];
    assert!(first[64..128].iter().all(|&v| v == 20) && first[128..].iter().all(|&v| v == 30));
    assert_eq!(found.id(), data.load().unwrap().id(), "the same division each time");
    std::fs::write(at("cat/broken.png"), b"no picture").unwrap();
    assert!(data.load().unwrap_err().to_string().contains("broken.png"));
    // With parts of its own.
    let parted = tempfile::tempdir().unwrap();
    for (part, n) in [("train", 3), ("val", 2)] {
        for i in 0..n {
            picture(&parted.path().join(format!("{part}/bird/{i}.png")), 5, [1, 2, 3]);
        }
    }
    let found = DataRef::Folder { dir: parted.path().to_path_buf(), side: 8 }.load().unwrap();
    assert_eq!((found.classes, found.train.labels.len(), found.test.labels.len()), (1, 3, 2));
}
