//! The goals of the limiter in virtual time: one line per scenario with what was reached, and a failure if one is missed.
//!
//! `cargo bench --bench limits` plays whole days and takes a minute or two. `cargo bench --bench limits -- quick` plays
//! two hours where a time is free to choose. A number, such as `-- 5`, plays that goal alone; any other word the
//! scenarios whose name has it, with every refusal.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that cannot go on has failed, and prints")]

use std::process::ExitCode;
use std::time::Duration;

#[path = "../tests/it/bench/cases.rs"]
mod cases;
#[path = "../tests/it/bench/goals.rs"]
mod goals;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let is_quick = words.iter().any(|word| word == "quick");
    let chosen: Vec<&String> = words.iter().filter(|word| *word != "quick").collect();
    let mut missed = 0;
    let mut played = 0;
    let length = Duration::from_secs(if is_quick { 2 * 3600 } else { 24 * 3600 });
    for goal in cases::cases(length, 100_000) {
        let is_named = |word: &&String| word.parse() == Ok(goal.number) || goal.name.contains(word.as_str());
        if !chosen.is_empty() && !chosen.iter().any(is_named) {
            continue;
        }
        let (play, reached) = goal.play();
        let verdict = if reached.is_met { "OK    " } else { "MISSED" };
        println!("{verdict} {:>2}  {:<58} {}", goal.number, goal.name, reached.figure);
        if chosen.iter().any(|word| word.parse::<u32>().is_err()) {
            play.refused
                .iter()
                .for_each(|refused| println!("{:>12.3} s {:?}", refused.at.as_secs_f64(), refused.cause));
        }
        played += 1;
        missed += usize::from(!reached.is_met);
    }
    println!("{} of {played} reached", played - missed);
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
