//! What is printed: medians, how often the base they are, and the goals.

use crate::play::{Run, Who};
use crate::workload::{Goals, Workload};

pub(crate) fn head() {
    println!(
        "{:<10}{:>6}  {:<16}{:>7}{:>7}{:>9}{:>11}{:>9}{:>8}{:>7}  goals",
        "workload", "pages", "who", "wall s", "CPU s", "peak MB", "records/s", "pages/s", "x wall", "x CPU"
    );
}

/// Two lines for two contenders; the first is the measure of the second.
pub(crate) fn lines(workload: &Workload, pair: [Who; 2], counted: &[Vec<Run>; 2]) {
    let [base, other] = counted;
    let (wall, cpu) = (median(base, |run| run.taken.wall), median(base, |run| run.taken.cpu));
    println!("{}", line(workload, pair[0], base));
    let (times_wall, times_cpu) =
        (median(other, |run| run.taken.wall) / wall, median(other, |run| run.taken.cpu) / cpu);
    let goals = goals(workload.goals, times_wall, times_cpu, median(other, |run| run.taken.peak));
    println!("{}{times_wall:>8.2}{times_cpu:>7.2}  {goals}", line(workload, pair[1], other));
    for (who, runs) in pair.into_iter().zip(counted) {
        let connections: Vec<u64> = runs.iter().map(|run| run.served.connections).collect();
        let requests: Vec<u64> = runs.iter().map(|run| run.served.requests).collect();
        let megabytes = median(runs, |run| run.served.bytes as f64) / 1e6;
        println!("    {}: {megabytes:.1} MB in {requests:?} requests over {connections:?} connections", name(who));
    }
}

fn line(workload: &Workload, who: Who, runs: &[Run]) -> String {
    let wall = median(runs, |run| run.taken.wall);
    let (cpu, peak) = (median(runs, |run| run.taken.cpu), median(runs, |run| run.taken.peak));
    let pages = f64::from(workload.pages) / wall;
    let records = pages * f64::from(workload.shape.records());
    format!(
        "{:<10}{:>6}  {:<16}{wall:>7.2}{cpu:>7.2}{peak:>9.1}{records:>11.0}{pages:>9.0}",
        workload.name,
        workload.pages,
        name(who)
    )
}

fn goals(goals: Goals, wall: f64, cpu: f64, peak: f64) -> String {
    let told = |what: &str, goal: Option<f64>, reached: f64| {
        goal.map(|goal| format!("{what} {goal} {}", if reached <= goal { "OK" } else { "MISSED" }))
    };
    let told = [told("wall", goals.wall, wall), told("CPU", goals.cpu, cpu), told("peak", goals.peak, peak)];
    told.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn name(who: Who) -> &'static str {
    match who {
        Who::Bare => "bare",
        Who::BareReqwest => "bare, reqwest",
        Who::Mill => "tidemill",
        Who::MillPower => "tidemill, power",
    }
}

fn median(runs: &[Run], figure: impl Fn(&Run) -> f64) -> f64 {
    let mut figures: Vec<f64> = runs.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    if figures.len() % 2 == 1 { figures[middle] } else { f64::midpoint(figures[middle - 1], figures[middle]) }
}
