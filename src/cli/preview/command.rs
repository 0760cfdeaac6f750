//! Asks for the first pages of a cell and shows what came.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::cli::args::{JobArguments, PreviewArguments};
use crate::cli::look::{Answering, Looked, look};
use crate::cli::run::{assign, read, simulators};
use crate::cli::signal::Signals;
use crate::cli::start::CommandError;
use crate::cli::term::{put, say, width};
use crate::disk;
use crate::job::{Job, Problem, Problems};
use crate::plan;
use crate::provider::Workspace;
use crate::quota::Clock;
use crate::run::{Assigned, Exit, Prepared, RunError};
use crate::simulate;

use super::save::with_columns;
use super::screen::screen;
use super::view::View;

/// Looks at the first pages of a cell.
pub(in crate::cli) async fn preview(arguments: PreviewArguments) -> Result<Exit, CommandError> {
    let mut signals = Signals::watch()?;
    let clock = Clock::system();
    let now = clock.now().wall;
    let jobs = JobArguments { jobs: vec![arguments.job.clone()], set: arguments.set.clone(), json: arguments.json };
    let simulate = arguments.simulate;
    let reading = tokio::task::spawn_blocking(move || {
        let (workspace, prepared) = read(&jobs, simulate, now)?;
        let prepared = only(prepared)?;
        let cells = plan::cells(&prepared.job, now, &prepared.provider.zone)?;
        Ok::<_, CommandError>((workspace, prepared, cells))
    });
    let (workspace, prepared, cells) = tokio::select! {
        read = reading => read.unwrap_or(Err(RunError::Worker.into()))?,
        exit = signals.next() => return Ok(exit),
    };
    let at = usize::try_from(arguments.cell).unwrap_or(usize::MAX);
    let Some(cell) = cells.get(at - 1) else {
        let message = format!("there is no cell {at}: the grid of `{}` has {}", prepared.job.name, cells.len());
        return Err(Problems(vec![Problem::new("", message)]).into());
    };
    say(&format!("{} from {}, cell {at} of {}: {}", prepared.job.name, prepared.provider.name, cells.len(), cell.key));
    let (assigned, answering) = wire(&arguments, &workspace, prepared).await?;
    let (job, provider) = (Arc::clone(&assigned.prepared.job), Arc::clone(&assigned.prepared.provider));
    let asked = (cell.clone(), arguments.pages);
    let Looked { previewed, signal } = match look(assigned, asked, answering, &workspace, &clock, &mut signals).await? {
        Ok(looked) => looked,
        Err(exit) => return Ok(exit),
    };
    let most = usize::try_from(arguments.rows).unwrap_or(usize::MAX);
    let view = View::of(&job, &provider, &cell, &previewed, most);
    match arguments.json {
        true => put(&format!("{:#}", view.json(&job, &cell, &previewed.warnings))),
        false => put(screen(&view, width()).trim_end()),
    }
    let saved = arguments.save_schema && save(&arguments.job, &job, &view)?;
    let exit = signal.unwrap_or(view.exit);
    next(&arguments, &view, exit, saved);
    Ok(exit)
}

/// The one job there is to look at.
fn only(mut prepared: Vec<Prepared>) -> Result<Prepared, Problems> {
    match (prepared.pop(), prepared.len()) {
        (Some(one), 0) => Ok(one),
        (_, more) => {
            let message = format!("preview looks at one job, and here are {}", more + 1);
            Err(Problems(vec![Problem::new("", message).hint("name its file")]))
        }
    }
}

/// The job with its wire, and who answers at its end.
async fn wire(
    arguments: &PreviewArguments,
    workspace: &Workspace,
    prepared: Prepared,
) -> Result<(Assigned, Answering), CommandError> {
    let mut listening = HashMap::new();
    if arguments.simulate {
        let options = simulate::Options { seed: 1, ..simulate::Options::default() };
        listening = simulators(std::slice::from_ref(&prepared), &workspace.environment, &[], &options).await?;
    } else {
        let calls = arguments.pages;
        let count = if calls == 1 { "1 call, which is".to_owned() } else { format!("{calls} calls, which are") };
        say(&format!("at most {count} paid and in the quota; what comes is not kept"));
    }
    let job = Arc::clone(&prepared.job);
    let Some(assigned) = assign(vec![prepared], &listening)?.pop() else { return Err(RunError::Worker.into()) };
    let answering = match arguments.simulate {
        true => Answering::Simulators(listening),
        false => Answering::Provider(vec![job]),
    };
    Ok((assigned, answering))
}

/// Writes the inferred columns into the job file; true when there were any.
fn save(file: &Path, job: &Job, view: &View) -> Result<bool, CommandError> {
    let io = |what: &str| {
        let what = format!("`{}` cannot be {what}", file.display());
        move |source| CommandError::Io { what, source }
    };
    let (columns, left_out) = view.to_save();
    if view.exit == Exit::Rejected && !view.troubles.is_empty() {
        say("nothing saved: what came is not what was asked for");
        return Ok(false);
    }
    if !left_out.is_empty() {
        say(&format!("not saved: {}", left_out.join("; ")));
    }
    if columns.is_empty() {
        say("nothing to save: every column that the records show is declared");
        return Ok(false);
    }
    // As it is now: a person may have written meanwhile.
    let text = fs::read_to_string(file).map_err(io("read"))?;
    let unfit = |message: String| CommandError::Input(Problems(vec![Problem::new("", message)]));
    let saved = with_columns(&text, &columns).map_err(|error| unfit(error.to_string()))?;
    let is_sound = Job::parse(file, &saved).is_ok_and(|saved| saved.name == job.name);
    if !is_sound {
        return Err(unfit(format!("`{}` changed meanwhile and is left as it is", file.display())));
    }
    disk::replace_file(file, saved.as_bytes()).map_err(io("written"))?;
    say(&format!("saved {} column{} in {}", columns.len(), if columns.len() == 1 { "" } else { "s" }, file.display()));
    Ok(true)
}

fn next(arguments: &PreviewArguments, view: &View, exit: Exit, saved: bool) {
    let job = arguments.job.display();
    match exit {
        Exit::Done if view.sample.records == 0 => {
            say(&format!("next: tidemill preview {job} --cell {}", arguments.cell + 1));
        }
        Exit::Done if arguments.simulate => {
            say("every record above is made up by the simulator");
            say(&format!("next: tidemill preview {job}"));
        }
        Exit::Done if !saved && !view.to_save().0.is_empty() => {
            say(&format!("next: tidemill preview {job} --save-schema, or tidemill plan {job}"));
        }
        Exit::Done => say(&format!("next: tidemill plan {job}")),
        Exit::Rejected | Exit::NeedsPerson => say(&format!("next: tidemill preview {job}, once that is mended")),
        Exit::Failed | Exit::Paused | Exit::Usage | Exit::Interrupted | Exit::Terminated => {
            say(&format!("next: tidemill preview {job}, later"));
        }
    }
}
