//! `archsmith completions` and `archsmith man`: made from the arguments themselves, so that they are never out of date.

use super::export;
use crate::args::{Args, CompletionsArgs, ManArgs};
use crate::{Ending, output};
use anyhow::Context;
use clap::CommandFactory;

pub(super) fn completions(args: CompletionsArgs) -> anyhow::Result<Ending> {
    // Into memory first: a reader that goes away is no error of ours.
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "archsmith", &mut text);
    output::line(String::from_utf8_lossy(&text).trim_end())?;
    Ok(Ending::Done)
}

pub(super) fn man(args: ManArgs) -> anyhow::Result<Ending> {
    std::fs::create_dir_all(&args.out).with_context(|| format!("{} could not be made", args.out.display()))?;
    let mut command = Args::command();
    command.build();
    let mut pages = vec![("archsmith".to_string(), command.clone())];
    let shown = command.get_subcommands().filter(|c| !c.is_hide_set() && c.get_name() != "help");
    pages.extend(shown.map(|c| (format!("archsmith-{}", c.get_name()), c.clone())));
    for (name, command) in pages {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).title(&name).render(&mut page)?;
        export::write(&args.out.join(format!("{name}.1")), &page)?;
    }
    Ok(Ending::Done)
}
