//! What deciding costs a client: permits without a network, for whoever has a clock to take the time.

use std::time::Duration;

use jiff::Timestamp;

use crate::provider::Limits;
use crate::quota::Feedback;

use super::clocks::moment;
use super::scenario::of_calls;
use super::strategy::{Answer, Client, Remains, Strategy, Turn};

/// Takes `count` permits one after the other in virtual time, each answered at once. Answers how many it got: fewer
/// only when the strategy waits for something that never comes.
pub fn permits(strategy: Strategy, limits: &Limits, count: u32) -> u32 {
    let mut now = moment(Timestamp::UNIX_EPOCH, Duration::ZERO);
    let mut client = Client::new(strategy, &of_calls(limits), Remains::default(), now);
    let mut got = 0;
    while got < count {
        match client.turn(1, now) {
            Turn::Go(ticket) => {
                let answer = Answer { ticket, sent: now.elapsed, feedback: Feedback::Accepted, date: now.wall };
                client.answered(answer, now);
                got += 1;
            }
            Turn::At(at) if at > now.elapsed => now = moment(Timestamp::UNIX_EPOCH, at),
            Turn::At(_) | Turn::OnAnswer => return got,
        }
    }
    got
}
