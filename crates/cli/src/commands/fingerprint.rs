//! `archsmith fingerprint`.

use super::{network, python_files, shown};
use crate::args::FingerprintArgs;
use crate::{Ending, output};
use archsmith_ir::fingerprint::fingerprint as of;
use rayon::prelude::*;
use serde_json::json;

pub(super) fn fingerprint(args: FingerprintArgs) -> anyhow::Result<Ending> {
    let options = args.reading.options()?;
    let mut all = true;
    for chunk in python_files(&args.files)?.chunks(64) {
        let read = |f: &std::path::PathBuf| network::read_with(f, &options).map(|n| n.map(|n| of(&n.graph)));
        for (file, found) in chunk.iter().zip(chunk.par_iter().map(read).collect::<Vec<_>>()) {
            let name = shown(file);
            match found.unwrap_or_else(|e| Err(format!("{name}: {e:#}"))) {
                Ok(print) if args.json => output::json(&json!({"file": name, "fingerprint": print.to_string()}))?,
                Ok(print) => output::line(format!("{print}  {name}"))?,
                Err(why) => {
                    all = false;
                    if args.json {
                        output::json(&json!({"file": name, "fingerprint": null}))?;
                    }
                    output::note(why.trim_end());
                }
            }
        }
    }
    Ok(if all { Ending::Done } else { Ending::No })
}
