use std::collections::BTreeSet;

use archsmith_archive::novelty::EXACT;
use archsmith_archive::{GraphIndex, NEAR_DUPLICATE, NoveltyIndex, RETRIEVAL, Sketch};
use proptest::prelude::*;

use crate::seed_networks;

fn exact(a: &BTreeSet<u64>, b: &BTreeSet<u64>) -> f64 {
    let common = a.intersection(b).count() as f64;
    let union = a.union(b).count() as f64;
    if union == 0.0 { 0.0 } else { common / union }
}

/// Numbers that look random, from a counter: SplitMix64.
fn scatter(n: u64) -> u64 {
    let mut z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678_9abc_def1);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn shingles(range: std::ops::Range<u64>) -> Vec<u64> {
    range.map(scatter).collect()
}

proptest! {
    #[test]
    fn jaccard_is_exact_and_its_estimate_close(
        start in 0_u64..1_000_000, a in 1_u64..600, gap in 0_u64..400, b in 1_u64..600
    ) {
        let (first, second) = (shingles(start..start + a), shingles(start + gap..start + gap + b));
        let truth = exact(&first.iter().copied().collect(), &second.iter().copied().collect());
        let (first, second) = (Sketch::from_shingles(first), Sketch::from_shingles(second));
        prop_assert_eq!(first.jaccard(&second), truth);
        // A share q of 256 draws, each equal with probability p, is as far off as this with less than e^-25 (Chernoff).
        let q = first.estimate(&second);
        let part = |q: f64, p: f64| if q > 0.0 { q * (q / p).ln() } else { 0.0 };
        let divergence = part(q, truth) + part(1.0 - q, 1.0 - truth);
        prop_assert!(256.0 * divergence <= 25.0, "{q} {truth}");
    }
}

#[test]
fn estimates_are_unbiased_with_the_stated_deviation() {
    // 400 pairs of sets with similarity 0.6: (300 of 400) / 500.
    let errors: Vec<f64> = (0..400)
        .map(|n| {
            let start = n * 10_000;
            let a = Sketch::from_shingles(shingles(start..start + 400));
            let b = Sketch::from_shingles(shingles(start + 100..start + 500));
            a.estimate(&b) - 0.6
        })
        .collect();
    let mean = errors.iter().sum::<f64>() / 400.0;
    let deviation = (errors.iter().map(|error| error * error).sum::<f64>() / 400.0).sqrt();
    let theory = (0.6_f64 * 0.4 / 256.0).sqrt();
    assert!(mean.abs() < 4.0 * theory / 20.0, "mean error {mean}");
    assert!((0.8..1.2).contains(&(deviation / theory)), "deviation {deviation}, theory {theory}");
}

#[test]
fn retrieval_finds_what_it_promises() {
    // 300 networks of 500 shingles, each asked for by a set that shares enough of it for similarity 0.87.
    let mut index = NoveltyIndex::new();
    for n in 0..300_u64 {
        index.insert_sketch(&n.to_string(), Sketch::from_shingles(shingles(n * 1000..n * 1000 + 500)));
    }
    let found = (0..300_u64)
        .filter(|n| {
            let asked = Sketch::from_shingles(shingles(n * 1000 + 35..n * 1000 + 535));
            index.query_sketch(&asked).is_some_and(|near| near.id == n.to_string() && near.jaccard >= RETRIEVAL)
        })
        .count();
    assert!(found >= 297, "{found} of 300");
}

#[test]
fn a_renamed_network_is_a_near_duplicate_and_another_family_is_not() {
    let networks = seed_networks();
    assert!(networks.len() >= 40);
    let mut index = NoveltyIndex::new();
    for (name, text) in &networks {
        if let Some(near) = index.nearest(text) {
            assert!(!near.is_near_duplicate(), "{name} repeats {} ({:.3})", near.id, near.jaccard);
        }
        index.insert(name, text);
    }
    for (name, text) in &networks {
        let renamed = text.replace("Block", "Unit7").replace("channels", "width").replace(", 3", ", 5");
        let near = index.query(&format!("# written by a model\n{renamed}")).expect("it is there");
        assert_eq!((near.id.as_str(), near.is_near_duplicate()), (name.as_str(), true), "{}", near.jaccard);
    }
}

#[test]
fn the_nearest_is_found_below_the_threshold_too() {
    let networks = seed_networks();
    let sketches: Vec<_> = networks.iter().map(|(_, text)| Sketch::of(text)).collect();
    let mut index = NoveltyIndex::new();
    for ((name, _), sketch) in networks.iter().zip(&sketches).skip(1) {
        index.insert_sketch(name, sketch.clone());
    }
    let best = sketches[1..].iter().map(|other| sketches[0].jaccard(other)).fold(0.0, f64::max);
    let near = index.nearest_sketch(&sketches[0]).unwrap();
    assert!(near.jaccard < NEAR_DUPLICATE);
    // Which one is taken is estimated; it is never far from the best, and its similarity is exact.
    assert!(near.jaccard > best - 0.05, "{} of {best}", near.jaccard);
    assert!((near.novelty() + near.jaccard - 1.0).abs() < 1e-12);
}

#[test]
fn equal_sets_are_found_under_the_id_that_came_first() {
    let mut index = NoveltyIndex::new();
    index.insert("first", "x = a + 1\n");
    index.insert("second", "y = b + 2\n");
    let near = index.query("z = c + 3\n").unwrap();
    assert_eq!((near.id.as_str(), near.jaccard, index.len()), ("first", 1.0, 2));
}

#[test]
fn nothing_is_like_nothing() {
    let mut index = NoveltyIndex::new();
    assert_eq!(index.nearest("x = 1\n"), None);
    index.insert("empty", "# only a comment\n");
    assert_eq!(index.nearest("\n"), None);
    assert_eq!(index.nearest("x = 1\n"), None);
    assert_eq!(Sketch::of("").estimate(&Sketch::of("")), 0.0);
}

#[test]
fn a_sketch_stays_what_it_was() {
    // Stored novelties were computed with it: if this fails, they mean something else now.
    let sketch = Sketch::of("import torch.nn as nn\nlayer = nn.Conv2d(3, 8, kernel_size=3, padding=1)\n");
    let other = Sketch::of("import torch.nn as nn\nlayer = nn.Conv2d(3, 8, kernel_size=3, stride=1)\n");
    // 26 tokens; five of the shingles see the one that differs.
    assert_eq!((sketch.len(), other.len()), (17, 17));
    assert_eq!(sketch.jaccard(&other), 12.0 / 22.0);
    assert_eq!(sketch.estimate(&other) * 256.0, 153.0);
}

#[test]
fn of_equal_networks_the_id_that_sorts_first_is_given_in_whatever_order_they_came() {
    let texts = ["x = nn.ReLU()\n", "x = nn.GELU()\n", "# another comment\nx = nn.ReLU()\n"];
    for order in [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"]] {
        let (mut networks, mut graphs) = (NoveltyIndex::new(), GraphIndex::new());
        for id in order {
            let text = texts[usize::from(id.as_bytes()[0] - b'a')];
            networks.insert(id, text);
            graphs.insert("f00", id);
        }
        let near = |text: &str| networks.nearest(text).map(|n| n.id).unwrap_or_default();
        assert_eq!((near(texts[2]).as_str(), near("x = nn.SiLU()\n").as_str()), ("a", "a"), "{order:?}");
        assert_eq!((graphs.query("f00"), graphs.query("f01"), graphs.len()), (Some("a"), None, 1));
    }
}

/// Where most of the index is like the text, it is searched in another way: with the same answer.
#[test]
fn among_many_near_duplicates_the_nearest_is_that_of_the_definition() {
    let family = |n: u64| -> Vec<u64> {
        // Two hundred shingles, of which up to six are this member's own.
        (0..200_u64).map(|i| if i < n % 7 { scatter(1_000 * n + i) } else { scatter(i) }).collect()
    };
    let stranger = |n: u64| -> Vec<u64> { (0..150_u64).map(|i| scatter(1_000_000 + 1_000 * n + i)).collect() };
    let mut index = NoveltyIndex::new();
    let mut known: Vec<(String, Sketch)> = Vec::new();
    for n in 0..400_u64 {
        let set = if n % 5 == 4 { stranger(n) } else { family(n) };
        // Ids in another order than insertions.
        let id = format!("{:03}", n * 7 % 400);
        index.insert_sketch(&id, Sketch::from_shingles(set.clone()));
        let sketch = Sketch::from_shingles(set);
        // Members without a shingle of their own are one entry.
        if !known.iter().any(|(_, other)| other.jaccard(&sketch) == 1.0) {
            known.push((id, sketch));
        } else if let Some((name, _)) = known.iter_mut().find(|(_, other)| other.jaccard(&sketch) == 1.0) {
            *name = id.min(name.clone());
        }
    }
    for n in 1_000..1_040_u64 {
        let sketch = Sketch::from_shingles(family(n).into_iter().chain([scatter(n)]));
        let mut ranked: Vec<_> = known.iter().collect();
        ranked.sort_by(|a, b| b.1.estimate(&sketch).total_cmp(&a.1.estimate(&sketch)).then(a.0.cmp(&b.0)));
        let best = ranked[..EXACT]
            .iter()
            .map(|(id, other)| (sketch.jaccard(other), id))
            .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)))
            .unwrap();
        let found = index.query_sketch(&sketch).unwrap();
        assert_eq!((found.jaccard, &found.id), best);
        assert_eq!(index.nearest_sketch(&sketch).unwrap(), found);
    }
}
