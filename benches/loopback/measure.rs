//! One child process: how long it took, its processor time and its largest resident memory.

use std::fs;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// How often the memory is looked at. The kernel keeps the largest: only the growth of the last moment can be missed.
const LOOK: Duration = Duration::from_millis(4);

/// Linux counts the processor time it shows in hundredths of a second.
const TICKS: f64 = 100.0;

/// What one run took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    /// Seconds.
    pub(crate) wall: f64,
    /// Seconds of all its threads, user and system.
    pub(crate) cpu: f64,
    /// Millions of bytes.
    pub(crate) peak: f64,
}

/// Runs `command` to its end.
pub(crate) fn measure(command: &mut Command) -> (Taken, Output) {
    let before = children();
    let begun = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| watch(&status, &ended));
        let output = child.wait_with_output().unwrap();
        let wall = begun.elapsed().as_secs_f64();
        ended.store(true, Relaxed);
        let peak = watch.join().unwrap();
        (Taken { wall, cpu: children() - before, peak }, output)
    })
}

fn watch(status: &str, ended: &AtomicBool) -> f64 {
    let mut peak = 0.0_f64;
    while !ended.load(Relaxed) {
        // A process that has ended shows no memory.
        peak = peak.max(fs::read_to_string(status).ok().as_deref().and_then(resident).unwrap_or_default());
        thread::sleep(LOOK);
    }
    peak
}

/// `VmHWM: 123456 kB` in millions of bytes.
fn resident(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}

/// Processor time of all children that were waited for.
fn children() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // The name of the process, in brackets, may hold blanks; `cutime` is the 14th field after it.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: f64 = fields[13..15].iter().map(|field| field.parse::<f64>().unwrap()).sum();
    ticks / TICKS
}
