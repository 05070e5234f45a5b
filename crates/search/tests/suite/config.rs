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
    assert!(error(&["prompt.examples=4"]).contains("at most 3"));
    assert!(error(&["prompt.delta=0.5"]).contains("prompt.delta"), "the preset's prompts are compact");
    assert!(error(&["prompt.delta=0.5", "prompt.style=chat", "sampling.guide=grammar"]).contains("guides"));
    assert_eq!(error(&["prompt.delta=0.5", "prompt.style=chat", "sampling.guide=off"]), "");
    assert!(error(&["nonsense"]).contains("key=value"));
    assert!(
        Config::preset("huge").err().map(|e| e.to_string()).unwrap_or_default().contains("smoke, laptop and paper")
    );
}

#[test]
fn the_schema_knows_every_key_and_its_meaning_and_no_other() {
    let schema = Config::schema();
    let definition = |of: &serde_json::Value| {
        let name = of["$ref"].as_str().and_then(|r| r.rsplit('/').next()).unwrap_or_default().to_string();
        schema["$defs"][name].clone()
    };
    for (preset, _) in PRESETS {
        let beyond = ["selection.by=pareto", "halving.keep=0.5", "predictor.prune=0.5"].map(String::from);
        let text = Config::resolve(preset, None, &beyond).unwrap().to_toml().unwrap();
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table.len(), schema["properties"].as_object().unwrap().len());
        for (section, values) in &table {
            let described = definition(&schema["properties"][section]);
            let keys = described["properties"].as_object().unwrap();
            assert_eq!(described["additionalProperties"], false, "[{section}] takes no other key");
            assert_eq!(values.as_table().unwrap().len(), keys.len(), "[{section}]");
            for (key, value) in values.as_table().unwrap() {
                let known = &keys[key];
                let place = format!("{section}.{key} of {preset}");
                assert!(known["description"].is_string(), "{place} is not explained");
                let kinds: &[&str] = match value {
                    toml::Value::String(_) => &["string"],
                    toml::Value::Boolean(_) => &["boolean"],
                    toml::Value::Integer(_) => &["integer"],
                    toml::Value::Float(_) => &["number"],
                    toml::Value::Array(_) => &["array"],
                    _ => &["object"],
                };
                let named = definition(known);
                let kind = if known["type"].is_string() { &known["type"] } else { &named["type"] };
                let listed = named["oneOf"]
                    .as_array()
                    .is_some_and(|all| all.iter().any(|v| v["const"] == value.as_str().unwrap_or_default()));
                assert!(listed || kinds.iter().any(|k| kind == k), "{place}: {known} {named}");
            }
        }
    }
    assert_eq!(definition(&schema["properties"]["run"])["properties"]["cycles"]["default"], 3);
    assert_eq!(definition(&schema["properties"]["predictor"])["properties"]["audit"]["default"], 0.2);
}

#[test]
fn what_goes_beyond_the_protocol_is_off_and_leaves_no_trace() {
    for (name, _) in PRESETS {
        let config = Config::preset(name).unwrap();
        assert!(config.selection.is_none() && config.halving.is_none() && config.predictor.is_none(), "{name}");
        let text = config.to_toml().unwrap();
        assert!(!text.contains("halving") && !text.contains("predictor") && !text.contains("selection"), "{text}");
    }
}

#[test]
fn a_section_switches_its_part_on_with_defaults() {
    let file = ("mine.toml", "[halving]\n[predictor]\n[selection]\nby = \"map-elites\"\n");
    let config = Config::resolve("smoke", Some(file), &[]).unwrap();
    assert_eq!(config.halving.as_ref().map(|h| (h.rungs.as_slice(), h.keep)), Some((&[0.125, 0.375][..], 0.5)));
    assert_eq!(config.predictor.map(|p| (p.min_known, p.prune, p.audit)), Some((30, 0.5, 0.2)));
    let error = |setting: &str| {
        Config::resolve("smoke", Some(file), &[setting.to_string()]).err().map(|e| e.to_string()).unwrap_or_default()
    };
    assert!(error("halving.rungs=[0.5,0.25]").contains("halving.rungs = [0.5, 0.25]: shares between 0 and 1, rising"));
    assert!(error("halving.rungs=[0.5,1.0]").contains("halving.rungs"));
    assert!(error("halving.keep=0").contains("halving.keep"));
    assert!(error("predictor.audit=1.5").contains("predictor.audit"));
    assert!(error("selection.by=luck").contains("luck"));
}
