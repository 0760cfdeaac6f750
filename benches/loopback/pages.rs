//! The pages: the same in every run, and varied enough that compression has something to do.

use std::fmt::Write;

use crate::workload::{Asking, DISTINCT, Shape, Workload};

const PLACES: [&str; 8] = ["平安", "招商", "万科", "中国宝安", "深振业", "神州", "长江", "华夏"];
const KINDS: [&str; 8] = ["银行", "科技", "地产", "高铁", "医药", "能源", "证券", "食品"];
const REMARKS: [&str; 8] = ["停牌", "除权，除息", "盘中涨停", "成交量放大", "", "公告：\\\"重组\\\"", "复牌", "龙虎榜"];
const ADVERBS: [&str; 8] = ["slowly", "at once", "again", "mostly", "late", "early", "twice", "never"];
const VERBS: [&str; 8] = ["rising", "falling", "flat", "halted", "split", "paid out", "delisted", "merged"];

/// What stands before the tail of each of the distinct pages.
pub(crate) fn fronts(workload: &Workload) -> Vec<String> {
    (0..workload.pages.min(DISTINCT)).map(|page| front(workload, page)).collect()
}

fn front(workload: &Workload, page: u32) -> String {
    let mut text = format!(r#"{{"code":0,"message":"ok","data":{{"total":{},"list":["#, workload.records());
    let records = workload.shape.records();
    for index in 0..records {
        if index > 0 {
            text.push(',');
        }
        let number = u64::from(page) * u64::from(records) + u64::from(index);
        match workload.shape {
            Shape::Wide => wide(&mut text, number),
            Shape::Small => small(&mut text, number),
        }
    }
    text.push(']');
    text
}

/// The end of a page: what follows it, where that is how pages are asked for.
pub(crate) fn tail(workload: &Workload, page: u32) -> String {
    match workload.asking {
        Asking::Cells | Asking::Parallel => "}}".to_owned(),
        Asking::Cursor if page + 1 < workload.pages => format!(r#","next":"{}"}}}}"#, page + 1),
        Asking::Cursor => r#","next":null}}"#.to_owned(),
    }
}

/// Integers beyond 2^53, a decimal in text, a day, an instant, floats, text of two languages, flags; three in ten null
/// where anything may be.
fn wide(text: &mut String, number: u64) {
    let dice = Dice(number);
    let id = 9_007_199_254_740_993 + number * 7;
    let (day, month) = (dice.roll(1, 28) + 1, dice.roll(2, 12) + 1);
    let (hour, minute, second) = (dice.roll(3, 24), dice.roll(4, 60), dice.roll(5, 60));
    write!(text, r#"{{"id":{id},"price":"{}.{:04}""#, dice.roll(6, 900), dice.roll(7, 10_000)).unwrap();
    write!(text, r#","day":"2026-{month:02}-{day:02}""#).unwrap();
    write!(text, r#","at":"2026-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+08:00""#).unwrap();
    write!(text, r#","open":{}.{:02}"#, dice.roll(8, 300), dice.roll(9, 100)).unwrap();
    write!(text, r#","ratio":0.{:06}"#, dice.roll(10, 1_000_000)).unwrap();
    text.push_str(r#","volume":"#);
    dice.or_null(11, text, |text| write!(text, "{}", dice.roll(12, 90_000_000)).unwrap());
    write!(text, r#","name":"{}{}""#, dice.pick(13, &PLACES), dice.pick(14, &KINDS)).unwrap();
    text.push_str(r#","note":"#);
    dice.or_null(15, text, |text| {
        write!(text, r#""{} {}""#, dice.pick(16, &ADVERBS), dice.pick(17, &VERBS)).unwrap();
    });
    text.push_str(r#","remark":"#);
    dice.or_null(18, text, |text| write!(text, r#""{}""#, dice.pick(19, &REMARKS)).unwrap());
    write!(text, r#","active":{}"#, dice.roll(20, 2) == 0).unwrap();
    text.push_str(r#","listed":"#);
    dice.or_null(21, text, |text| write!(text, "{}", dice.roll(22, 2) == 0).unwrap());
    text.push('}');
}

fn small(text: &mut String, number: u64) {
    let dice = Dice(number);
    let id = 9_007_199_254_740_993 + number * 7;
    write!(text, r#"{{"id":{id},"name":"{}{}""#, dice.pick(1, &PLACES), dice.pick(2, &KINDS)).unwrap();
    write!(text, r#","open":{}.{:02}"#, dice.roll(3, 300), dice.roll(4, 100)).unwrap();
    write!(text, r#","active":{}}}"#, dice.roll(5, 2) == 0).unwrap();
}

/// Chances that depend on nothing but the number of the record.
struct Dice(u64);

impl Dice {
    /// Below `sides`, another one for every `throw`.
    fn roll(&self, throw: u64, sides: u64) -> u64 {
        // The mixer of SplitMix64.
        let mut mixed = (self.0 * 31 + throw + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn pick<'a>(&self, throw: u64, of: &[&'a str; 8]) -> &'a str {
        of[usize::try_from(self.roll(throw, 8)).unwrap()]
    }

    fn or_null(&self, throw: u64, text: &mut String, write: impl FnOnce(&mut String)) {
        if self.roll(throw, 10) < 3 { text.push_str("null") } else { write(text) }
    }
}
