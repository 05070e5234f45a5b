//! A model in Hugging Face's layout: `config.json`, `model.safetensors` (or an index and shards), `tokenizer.json`,
//! and where present `tokenizer_config.json`, `generation_config.json`, `chat_template.jinja`.

use crate::config::DecoderConfig;
use crate::decoder::Decoder;
use crate::error::{LlmError, Result};
use crate::pool::Pool;
use crate::text::Text;
use crate::weights::{Named, assemble, read_safetensors};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Component, Path};
use std::sync::Arc;

/// The files around the weights.
pub(crate) struct Description<'a> {
    pub(crate) config: &'a str,
    pub(crate) tokenizer: &'a [u8],
    pub(crate) tokenizer_config: Option<&'a str>,
    pub(crate) generation_config: Option<&'a str>,
    pub(crate) chat_template: Option<String>,
}

/// The largest of the files around the weights, in bytes; the tokenizers of the largest vocabularies have a tenth of it.
const DESCRIPTION: u64 = 256 << 20;

fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    let size = std::fs::metadata(path).map_err(LlmError::io(path))?.len();
    if size > DESCRIPTION {
        let why = format!("it has {} MiB, at most {} are expected; is it another file?", size >> 20, DESCRIPTION >> 20);
        return Err(LlmError::format(path.display().to_string(), why));
    }
    std::fs::read(path).map_err(LlmError::io(path))
}

fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read_bytes(path)?).map_err(|e| LlmError::format(path.display().to_string(), e))
}

fn read_optional(path: &Path) -> Result<Option<String>> {
    if path.exists() { read_text(path).map(Some) } else { Ok(None) }
}

/// Names of the shards an index file lists, refusing those that lead out of the folder.
pub(crate) fn shards_of_index(path: &Path) -> Result<BTreeSet<String>> {
    let what = path.display().to_string();
    let index: Value = serde_json::from_str(&read_text(path)?).map_err(|e| LlmError::format(what.clone(), e))?;
    let map = index["weight_map"].as_object();
    let map = map.ok_or_else(|| LlmError::format(what.clone(), "`weight_map` should be an object"))?;
    let mut shards = BTreeSet::new();
    for shard in map.values() {
        let name = shard.as_str().unwrap_or_default();
        let plain = Path::new(name).components().all(|c| matches!(c, Component::Normal(_)));
        if name.is_empty() || !plain {
            return Err(LlmError::format(what, format!("shard name {shard} is not a file of this folder")));
        }
        shards.insert(name.to_owned());
    }
    Ok(shards)
}

/// Loads a model folder.
pub(crate) fn load(dir: &Path, pool: Arc<Pool>) -> Result<(Decoder, Text)> {
    if !dir.join("config.json").exists() {
        return Err(LlmError::format(dir.display().to_string(), "there is no config.json in this folder"));
    }
    let config = read_text(&dir.join("config.json"))?;
    let tokenizer_path = dir.join("tokenizer.json");
    let tokenizer = read_bytes(&tokenizer_path)?;
    let (tokenizer_config, generation_config) =
        (read_optional(&dir.join("tokenizer_config.json"))?, read_optional(&dir.join("generation_config.json"))?);
    let single = dir.join("model.safetensors");
    let files = if single.exists() {
        vec![single]
    } else {
        let index = dir.join("model.safetensors.index.json");
        if !index.exists() {
            let why = "there is neither model.safetensors nor model.safetensors.index.json in this folder";
            return Err(LlmError::format(dir.display().to_string(), why));
        }
        shards_of_index(&index)?.into_iter().map(|name| dir.join(name)).collect()
    };
    let mut named = Named::new();
    for file in files {
        let mut weights = std::fs::File::open(&file).map_err(LlmError::io(&file))?;
        let length = weights.metadata().map_err(LlmError::io(&file))?.len();
        named.extend(read_safetensors(&file.display().to_string(), &mut weights, length)?.0);
    }
    let description = Description {
        config: &config,
        tokenizer: &tokenizer,
        tokenizer_config: tokenizer_config.as_deref(),
        generation_config: generation_config.as_deref(),
        chat_template: read_optional(&dir.join("chat_template.jinja"))?,
    };
    build(&description, named, pool).map_err(LlmError::within(dir))
}

/// Puts a model together from its files' contents.
pub(crate) fn build(files: &Description<'_>, mut named: Named, pool: Arc<Pool>) -> Result<(Decoder, Text)> {
    let mut config = DecoderConfig::from_json(files.config)?;
    // Some files tie the head and still say nothing about it in config.json.
    if !named.contains_key("lm_head.weight") {
        config.tied = true;
    }
    let vocab = config.vocab;
    let layers = config.layers;
    let decoder = assemble(config, &mut named, pool)?;
    let beyond = |name: &&String| {
        let layer = name.strip_prefix("model.layers.").and_then(|n| n.split('.').next()?.parse::<usize>().ok());
        layer.is_some_and(|l| l >= layers)
    };
    if let Some(name) = named.keys().find(beyond) {
        let why = format!("there is `{name}`, but config.json says {layers} layers; are the files of one model?");
        return Err(LlmError::format("weights", why));
    }
    let tokenizer = crate::text::parse_tokenizer(files.tokenizer)?;
    let json = |text: Option<&str>, what: &str| -> Result<Value> {
        text.map_or(Ok(Value::Null), |t| serde_json::from_str(t).map_err(|e| LlmError::format(what, e)))
    };
    let about = json(files.tokenizer_config, "tokenizer_config.json")?;
    let generation = json(files.generation_config, "generation_config.json")?;
    let config = json(Some(files.config), "config.json")?;
    // A token is named by its text or by an object with a `content`.
    let named_token = |key: &str| {
        let entry = &about[key];
        entry.as_str().or(entry["content"].as_str()).and_then(|text| tokenizer.token_to_id(text))
    };
    let id = |v: &Value| v.as_u64().and_then(|v| u32::try_from(v).ok());
    let ids = |v: &Value| -> Vec<u32> {
        v.as_array().map_or_else(|| id(v).into_iter().collect(), |list| list.iter().filter_map(id).collect())
    };
    let mut eos: Vec<u32> = named_token("eos_token").into_iter().collect();
    for more in [&generation["eos_token_id"], &config["eos_token_id"]] {
        for id in ids(more) {
            if !eos.contains(&id) && (id as usize) < vocab {
                eos.push(id);
            }
        }
    }
    let bos = named_token("bos_token").or_else(|| id(&config["bos_token_id"])).filter(|&b| (b as usize) < vocab);
    // Where the tokenizer itself puts the token, its post-processor shows it on an empty text.
    let puts_bos = tokenizer.encode_fast("", true).is_ok_and(|e| bos.is_some() && e.get_ids().first() == bos.as_ref());
    let add_bos = about["add_bos_token"].as_bool().unwrap_or(puts_bos);
    let template = files.chat_template.clone().or_else(|| chat_template(&about["chat_template"]));
    let text = Text::new(tokenizer, bos, &eos, add_bos, template)?;
    text.check_fits(vocab)?;
    Ok((decoder, text))
}

/// A template, or the one named `default` of a list.
fn chat_template(value: &Value) -> Option<String> {
    if let Some(list) = value.as_array() {
        let chosen = list.iter().find(|t| t["name"] == "default").or(list.first())?;
        return chosen["template"].as_str().map(str::to_owned);
    }
    value.as_str().map(str::to_owned)
}
