//! `archsmith config`, and the configuration that flags make.

use crate::args::ConfigArgs;
use crate::{Ending, output};
use anyhow::Context;
use archsmith_search::Config;
use archsmith_search::config::PRESETS;
use std::path::Path;

pub(super) fn config(args: &ConfigArgs) -> anyhow::Result<Ending> {
    if args.schema {
        output::text(&format!("{:#}\n", Config::schema()))?;
        return Ok(Ending::Done);
    }
    let config = resolve(&args.preset, args.config.as_deref(), &args.settings)?;
    let preset = PRESETS.iter().find(|(name, _)| *name == args.preset);
    match preset {
        // As it was written, comments and all.
        Some((_, text)) if args.config.is_none() && args.settings.is_empty() => output::text(text)?,
        _ => output::text(&config.to_toml()?)?,
    }
    Ok(Ending::Done)
}

/// A preset, changed by a file and then by settings.
pub(super) fn resolve(preset: &str, file: Option<&Path>, settings: &[String]) -> anyhow::Result<Config> {
    let file = match file {
        None => None,
        Some(path) => {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("{} could not be read", path.display()))?;
            Some((path.display().to_string(), text))
        }
    };
    let file = file.as_ref().map(|(origin, text)| (origin.as_str(), text.as_str()));
    Config::resolve(preset, file, settings).map_err(|e| super::WrongUse(e.to_string()).into())
}
