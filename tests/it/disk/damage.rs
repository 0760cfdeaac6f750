//! A medium that loses or alters what was written, between the decision about a file and its commit: the file is made
//! anew of the pages, which are kept until then.

use std::fs;
use std::path::Path;

use tidemill::ledger::{Ledger, PartitionState, SqliteLedger};
use tidemill::run::Exit;

use super::case::first;
use super::mill::STOCKS;
use super::proof::State;

/// Does it to a file that holds these bytes.
type Harm = fn(&Path, Vec<u8>);

/// What may happen to a file.
const DAMAGE: [(&str, Harm); 4] = [
    ("gone", |path, _| fs::remove_file(path).unwrap()),
    ("emptied", |path, _| fs::write(path, []).unwrap()),
    ("cut", |path, bytes| fs::write(path, &bytes[..bytes.len() / 2]).unwrap()),
    ("altered", |path, mut bytes| {
        let middle = bytes.len() / 2;
        bytes.get_mut(middle).into_iter().for_each(|byte| *byte ^= 1);
        fs::write(path, bytes).unwrap();
    }),
];

#[tokio::test(start_paused = true)]
async fn to_a_decided_file() {
    let case = first(STOCKS).await;
    let mut damaged = 0;
    for (at, moment) in case.moments().iter().enumerate() {
        for (damage, harm) in DAMAGE {
            let what = format!("killed before step {at}, then a file is {damage}");
            let place = case.proof.found(&State::killed(moment, what.clone()), 1);
            let rows = SqliteLedger::open(&place.folders().ledger()).unwrap().partitions("stocks").unwrap();
            let decided = rows.into_iter().filter(|row| row.state == PartitionState::Publishing);
            let staging = fs::read_dir(place.folders().output.join("_staging")).into_iter().flatten();
            let files = decided.map(|row| place.folders().output.join(row.file.unwrap_or_default()));
            let files: Vec<_> =
                files.chain(staging.map(|entry| entry.unwrap().path())).filter(|path| path.is_file()).collect();
            if files.is_empty() {
                break;
            }
            for path in &files {
                harm(path, fs::read(path).unwrap());
            }
            let ended = case.proof.go_on(&place, &what).await;
            assert_eq!(ended.exit, Exit::Done, "{what}: {ended:?}");
            assert!(place.output() == case.proof.after, "{what}");
            case.proof.mill.assert_sound(&place.folders(), &what);
            damaged += 1;
        }
    }
    assert!(damaged > 40);
}
