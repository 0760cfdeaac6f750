//! What providers do in a bad night: fault scripts, and which of their codes mean what.

use super::dice::Dice;

/// A provider whose nights may be bad.
pub(crate) struct Vendor {
    pub(crate) name: &'static str,
    /// Items of a fault script; `K` is a request of the night.
    faults: &'static [&'static str],
    /// Codes that refuse a cell or a cursor: what was bought of the cell is bought again.
    pub(crate) refusing: &'static [&'static str],
    /// Codes after which a person must act.
    pub(crate) stopping: &'static [&'static str],
}

/// Faults of the wire, of any provider.
const WIRE: [&str; 11] = [
    "reset=10%",
    "resetx4@K",
    "cut=10%",
    "html502=10%",
    "html200@K",
    "html429@K",
    "hang@K",
    "slow=20%",
    "slow=20%,hangx2@K",
    "reset=100%",
    "html503=100%",
];

pub(crate) const VENDORS: [Vendor; 3] = [
    Vendor {
        name: "foxdata",
        faults: &[
            "429@K",
            "429x3@K",
            "60004@K",
            "60003@K",
            "60006@K",
            "60006x4@K",
            "510=15%",
            "510=60%",
            "60008@K",
            "60008@next:1",
            "60008@next:40",
            "100@K",
            "100x3@K",
            "404@K",
            "forget@K",
            "forget=20%",
            "401@K",
            "403@K",
            "60005@K",
        ],
        refusing: &["100", "404"],
        stopping: &["401", "403", "60005", "60006"],
    },
    Vendor {
        name: "agushuju",
        faults: &[
            "429@K", "429x2@K", "500=15%", "500=60%", "502x3@K", "503=10%", "504@K", "400@K", "403@K", "404x2@K",
            "401@K", "402@K",
        ],
        refusing: &["400", "403", "404"],
        stopping: &["401", "402"],
    },
    Vendor {
        name: "sensenova",
        faults: &[
            "1302@K",
            "1303x2@K",
            "1301@K",
            "1301x2@K",
            "1101@K",
            "1304@K",
            "expire@K",
            "1002@K",
            "5000=15%",
            "5001=30%",
            "5002@K",
            "8@K",
            "14@K",
            "skew=600s",
            "skew=-600s",
        ],
        refusing: &["1301"],
        stopping: &["1101", "1304"],
    },
];

impl Vendor {
    pub(crate) fn named(name: &str) -> &'static Self {
        VENDORS.iter().find(|vendor| vendor.name == name).unwrap()
    }

    /// A script of one to three items.
    pub(crate) fn script(&self, dice: &mut Dice) -> String {
        let items = (0..dice.within(1..=3)).map(|_| {
            let item = if dice.percent(40) { dice.one(&WIRE) } else { dice.one(self.faults) };
            item.replace('K', &dice.within(1..=12).to_string())
        });
        items.collect::<Vec<_>>().join(",")
    }

    /// Whether `script` may end in "a person must act".
    pub(crate) fn may_stop(&self, script: &str) -> bool {
        script.split(',').any(|item| self.stopping.iter().any(|code| item.starts_with(code)))
    }
}
