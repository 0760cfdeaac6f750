//! Plays the chosen workloads: a warm-up, then runs by turns, so that a busy machine is unfair to nobody.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};

use crate::check::Content;
use crate::measure::{Taken, measure};
use crate::mill;
use crate::table;
use crate::workload::{self, Goals, Workload};

/// What is played when no word says otherwise.
const USUAL: [&str; 5] = ["wide", "parallel", "cursor", "small", "slow"];

/// What is played with `durability = "power"`.
const POWER: [&str; 4] = ["wide", "parallel", "cursor", "small"];

/// What is held against the bare loop through reqwest.
const REQWEST: [&str; 3] = ["wide", "cursor", "small"];

/// What was asked for.
pub(crate) struct Asked {
    words: Vec<String>,
    runs: Option<usize>,
    pages: Option<u32>,
}

/// Who fetches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Bare,
    /// The bare loop through the client that `tidemill` has.
    BareReqwest,
    /// `tidemill`, pages surviving the process.
    Mill,
    /// `tidemill`, pages surviving a loss of power.
    MillPower,
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) taken: Taken,
    pub(crate) served: Served,
}

/// What the server saw of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served {
    pub(crate) connections: u64,
    pub(crate) requests: u64,
    /// Of all bodies.
    pub(crate) bytes: u64,
}

impl Asked {
    pub(crate) fn parse(arguments: &[&str]) -> Self {
        let mut asked = Self { words: Vec::new(), runs: None, pages: None };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match *argument {
                "--runs" => asked.runs = arguments.next().map(|number| number.parse().unwrap()),
                "--pages" => asked.pages = arguments.next().map(|number| number.parse().unwrap()),
                word => asked.words.push(word.to_owned()),
            }
        }
        let known = |word: &str| {
            ["power", "reqwest"].contains(&word) || workload::all().iter().any(|workload| workload.name == word)
        };
        let unknown: Vec<_> = asked.words.iter().filter(|word| !known(word)).collect();
        assert!(
            unknown.is_empty(),
            "unknown: {unknown:?}; there are wide, parallel, cursor, small, slow, ten, power and reqwest"
        );
        if asked.words.is_empty() {
            asked.words = USUAL.map(str::to_owned).to_vec();
        }
        asked
    }
}

/// Plays them; a run that fails, or files that differ, fail the whole.
pub(crate) fn play(asked: &Asked) -> ExitCode {
    table::head();
    let mut all_well = true;
    let usual = |name: &str| workload::all().into_iter().find(|workload| workload.name == name).unwrap();
    let sized = |workload: Workload| Workload { pages: asked.pages.unwrap_or(workload.pages), ..workload };
    let runs = asked.runs.unwrap_or(3);
    for word in &asked.words {
        all_well &= match word.as_str() {
            "power" => POWER.iter().all(|name| {
                let workload = Workload { goals: Goals::default(), ..sized(usual(name)) };
                compare(&workload, [Who::Mill, Who::MillPower], 1, runs)
            }),
            "reqwest" => REQWEST.iter().all(|name| {
                let workload = Workload { goals: Goals::default(), ..sized(usual(name)) };
                compare(&workload, [Who::BareReqwest, Who::Mill], 1, runs)
            }),
            // Whether memory grows shows beside the same with few pages; a warm-up would change nothing.
            "ten" => {
                let many = sized(usual("ten"));
                let few = Workload { pages: usual("wide").pages, ..many.clone() };
                [few, many].iter().all(|workload| compare(workload, [Who::Bare, Who::Mill], 0, asked.runs.unwrap_or(1)))
            }
            name => compare(&sized(usual(name)), [Who::Bare, Who::Mill], 1, runs),
        };
    }
    if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn compare(workload: &Workload, pair: [Who; 2], warm_ups: usize, runs: usize) -> bool {
    let mut server = Server::start(workload);
    let mut counted = [Vec::new(), Vec::new()];
    let mut first: Option<Content> = None;
    for round in 0..warm_ups + runs {
        for (who, counted) in pair.into_iter().zip(&mut counted) {
            let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
            let (run, file) = match run(workload, who, &mut server, folder.path()) {
                Ok(done) => done,
                Err(why) => {
                    println!("FAILED  {} {who:?}: {why}", workload.name);
                    return false;
                }
            };
            let content = Content::of(&file);
            let wanted = first.get_or_insert_with(|| Content::of(&file));
            if content != *wanted || content.rows() != workload.records() {
                println!("FAILED  {} {who:?}: {content:?} and not {wanted:?}", workload.name);
                return false;
            }
            if round >= warm_ups {
                counted.push(run);
            }
        }
    }
    table::lines(workload, pair, &counted);
    true
}

fn run(workload: &Workload, who: Who, server: &mut Server, folder: &Path) -> Result<(Run, PathBuf), String> {
    let file = folder.join("bare.parquet");
    let mut command = match who {
        Who::Bare | Who::BareReqwest => {
            let role = if who == Who::Bare { "role=bare" } else { "role=reqwest" };
            let mut command = myself(role, workload);
            command.arg(server.port.to_string()).arg(&file);
            command
        }
        Who::Mill => mill::command(workload, server.port, "process", folder),
        Who::MillPower => mill::command(workload, server.port, "power", folder),
    };
    let (taken, output) = measure(&mut command);
    let served = server.served();
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        return Err(format!("{}\n{}", output.status, String::from_utf8_lossy(&said)));
    }
    let file = match who {
        Who::Bare | Who::BareReqwest => Some(file),
        Who::Mill | Who::MillPower => mill::file(folder),
    };
    let file = file.ok_or("there is not exactly one file")?;
    Ok((Run { taken, served }, file))
}

/// This binary in another role.
fn myself(role: &str, workload: &Workload) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([role, workload.name, &workload.pages.to_string()]);
    command
}

/// The server process; it ends when it is dropped, because its stdin closes.
struct Server {
    child: Child,
    asking: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    port: u16,
}

impl Server {
    fn start(workload: &Workload) -> Self {
        let mut command = myself("role=server", workload);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let asking = child.stdin.take();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        Self { child, asking, answers, port: line.trim().parse().unwrap() }
    }

    /// Since the last time.
    fn served(&mut self) -> Served {
        self.asking.as_mut().unwrap().write_all(b"\n").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let counts: Vec<u64> = line.split_whitespace().map(|count| count.parse().unwrap()).collect();
        Served { connections: counts[0], requests: counts[1], bytes: counts[2] }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.asking = None;
        self.child.wait().unwrap();
    }
}
