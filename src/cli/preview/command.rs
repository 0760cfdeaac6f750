//! Asks for the first pages of a cell and shows what came.
//!
//! Invariant: pages lie in a folder of this process below `preview/` of the workspace, which is gone afterwards. The
//! quota journal is the real one, and must be: the calls count like all others.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::cli::args::{JobArguments, PreviewArguments};
use crate::cli::bench_jobs::remove;
use crate::cli::run::{DISK, assign, read, simulators};
use crate::cli::signal::Signals;
use crate::cli::simulators::serve_while;
use crate::cli::start::CommandError;
use crate::cli::term::{put, say, width};
use crate::disk::{self, Durability};
use crate::job::{Job, Problem, Problems};
use crate::plan::{self, Cell};
use crate::provider::{Provider, Workspace};
use crate::quota::Clock;
use crate::run::{Assigned, Exit, Folders, Look, Options, Prepared, Previewed, RunError, preview as look_at};
use crate::simulate;

use super::save::with_columns;
use super::screen::screen;
use super::view::View;

/// How long an answer in flight is waited for after a signal.
const GRACE: Duration = Duration::from_secs(20);
/// A wait that is worth a word.
const LONG: Duration = Duration::from_secs(5);

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
    let (job, given) = (Arc::clone(&prepared.job), Given { arguments, workspace, clock });
    let (provider, previewed, signalled) = match given.look(prepared, cell.clone(), &mut signals).await? {
        Ok(looked) => looked,
        Err(exit) => return Ok(exit),
    };
    previewed.warnings.iter().for_each(|warning| say(&format!("warning: {warning}")));
    let most = usize::try_from(given.arguments.rows).unwrap_or(usize::MAX);
    let view = View::of(&job, &provider, &cell, &previewed, most);
    match given.arguments.json {
        true => put(&format!("{:#}", view.json(&job, &cell, &previewed.warnings))),
        false => put(screen(&view, width()).trim_end()),
    }
    let saved = given.arguments.save_schema && save(&given.arguments.job, &job, &view)?;
    let exit = signalled.unwrap_or(view.exit);
    next(&given.arguments, &view, exit, saved);
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

/// What the person asked for, and where.
struct Given {
    arguments: PreviewArguments,
    workspace: Workspace,
    clock: Clock,
}

/// Who was asked, what came, and the signal that came meanwhile.
type Looked = (Arc<Provider>, Previewed, Option<Exit>);

impl Given {
    /// Asks, in a folder that is removed; the exit when a second signal left no time.
    async fn look(
        &self,
        prepared: Prepared,
        cell: Cell,
        signals: &mut Signals,
    ) -> Result<Result<Looked, Exit>, CommandError> {
        let above = self.workspace.settings.root.join("preview");
        let (folder, was_there) = (above.join(std::process::id().to_string()), above.is_dir());
        // One of a process that was killed and had this number.
        remove(&folder)?;
        let looked = self.look_below(&folder, prepared, cell, signals).await;
        remove(&folder)?;
        if !was_there {
            // It stays as long as another preview is under way in it.
            drop(disk::remove_folder(&above));
        }
        looked
    }

    async fn look_below(
        &self,
        folder: &Path,
        prepared: Prepared,
        cell: Cell,
        signals: &mut Signals,
    ) -> Result<Result<Looked, Exit>, CommandError> {
        let Self { arguments, workspace, clock } = self;
        let mut folders = Folders::below(folder);
        let mut home = folders.clone();
        let mut listening = HashMap::new();
        if arguments.simulate {
            let options = simulate::Options { seed: 1, ..simulate::Options::default() };
            listening = simulators(std::slice::from_ref(&prepared), &workspace.environment, &[], &options).await?;
        } else {
            home = Folders::of(&workspace.settings, &workspace.environment);
            folders.quota.clone_from(&home.quota);
            let calls = arguments.pages;
            let count = if calls == 1 { "1 call, which is".to_owned() } else { format!("{calls} calls, which are") };
            say(&format!("at most {count} paid and in the quota; what comes is not kept"));
        }
        disk::create_folders(&folders.state, Durability::Process).map_err(|source| CommandError::Io {
            what: format!("the folder `{}` cannot be made", folders.state.display()),
            source,
        })?;
        let assigned: Option<Assigned> = assign(vec![prepared], &listening)?.pop();
        let Some(assigned) = assigned else { return Err(RunError::Worker.into()) };
        let provider = Arc::clone(&assigned.prepared.provider);
        let (signal, signalled) = watch::channel(None);
        let options = Options::new(folders, Durability::Process, signalled, GRACE);
        let look = Look { cell, calls: arguments.pages, home };
        let work = serve_while(listening, clock, look_at(assigned, look, options, clock.clone()));
        let work = async {
            tokio::select! {
                done = work => done,
                never = patience(&provider.name, clock) => match never {},
            }
        };
        let farewell = format!("an answer within {} s is shown, nothing new is sent", GRACE.as_secs());
        match signals.heed(&signal, clock, GRACE + DISK, &farewell, work).await {
            Ok(previewed) => Ok(Ok((provider, previewed?, *signal.borrow()))),
            Err(exit) => Ok(Err(exit)),
        }
    }
}

/// Tells a person who waits that it is not for nothing.
async fn patience(provider: &str, clock: &Clock) -> std::convert::Infallible {
    clock.sleep_until(clock.now().elapsed + LONG).await;
    say(&format!("still waiting, for an answer or for the limits of `{provider}`: see tidemill quota {provider}"));
    std::future::pending().await
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
