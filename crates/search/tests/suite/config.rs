//! Configurations: presets, files, settings, and clear errors.

use archsmith_search::Config;
use archsmith_search::config::PRESETS;

#[test]
fn every_preset_is_complete_and_survives_a_round_trip() {
    for (name, _) in PRESETS {
        let config = Config::preset(name).unwrap();
        let again = Config::from_toml(&config.to_toml().unwrap(), name).unwrap();
        assert_eq!(config, again, "{name}");
    }
}

#[test]
fn a_file_overrides_the_preset_and_a_setting_the_file() {
    let file = ("mine.toml", "[run]\ncycles = 5\ncandidates = 4\n");
    let config = Config::resolve("smoke", Some(file), &["run.cycles=7".into(), "data.path=some where".into()]).unwrap();
    assert_eq!((config.run.cycles, config.run.candidates), (7, 4));
    assert_eq!(config.data.path, "some where");
}

#[test]
fn errors_name_the_key() {
    let error = |settings: &[&str]| {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        Config::resolve("smoke", None, &settings).err().map(|e| e.to_string()).unwrap_or_default()
    };
    assert!(error(&["run.cycels=3"]).contains("cycels"));
    assert!(error(&["run.cycles=many"]).contains("cycles") || error(&["run.cycles=many"]).contains("many"));
    assert!(error(&["training.batch=1"]).contains("training.batch"));
    assert!(error(&["nonsense"]).contains("key=value"));
    assert!(
        Config::preset("huge").err().map(|e| e.to_string()).unwrap_or_default().contains("smoke, laptop and paper")
    );
}
