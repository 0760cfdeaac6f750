//! Opens the database file: checks whose it is, that it is whole, and brings it to the version known here.
//!
//! Invariant: a file that is damaged, foreign or newer is left untouched.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::disk::{self, Durability};

use super::error::LedgerError;

/// "Tide" in the file's header.
const APPLICATION: i64 = 0x5469_6465;
/// One step per version: step n brings version n to n + 1.
const MIGRATIONS: [&str; 6] = [
    include_str!("sqlite.sql"),
    include_str!("sqlite_2.sql"),
    include_str!("sqlite_3.sql"),
    include_str!("sqlite_4.sql"),
    include_str!("sqlite_5.sql"),
    include_str!("sqlite_6.sql"),
];
/// The index over the names of a hundred thousand cells stays in memory while they are planned.
const CACHE_KIB: i64 = 16 * 1024;
/// How often a new ledger is asked for its turn.
const TURNS: u32 = 50;
/// How long another process may hold the ledger for its transaction.
const BUSY: Duration = Duration::from_secs(30);

pub(super) fn open(path: &Path) -> Result<Connection, LedgerError> {
    if let Some(dir) = path.parent() {
        disk::create_folders(dir, Durability::Power)
            .map_err(|source| LedgerError::Create { path: path.to_owned(), source })?;
    }
    let mut db = Connection::open(path).map_err(|error| explain(path, "open", error))?;
    prepare(path, &mut db).map_err(|error| match error {
        LedgerError::Sqlite { action, source, .. } => explain(path, action, source),
        other => other,
    })?;
    Ok(db)
}

/// The version of the ledger at `path`, and the newest known here. Only looks: an older one is not brought to the newest, and
/// no file is made beside it.
pub fn ledger_version(path: &Path) -> Result<(i64, i64), LedgerError> {
    let explained = |error| match error {
        LedgerError::Sqlite { action, source, .. } => explain(path, action, source),
        other => other,
    };
    let db = only_read(path).map_err(|error| explain(path, "open", error))?;
    examine(path, &db).map_err(explained)
}

/// Where nothing is written ahead nobody has it open: then it is taken for a file that does not change, for even a reader
/// makes files that it cannot remove.
fn only_read(path: &Path) -> rusqlite::Result<Connection> {
    let mut ahead = path.as_os_str().to_owned();
    ahead.push("-wal");
    let url = std::path::absolute(path).ok().and_then(|path| url::Url::from_file_path(path).ok());
    match url.filter(|_| !Path::new(&ahead).exists()) {
        Some(mut url) => {
            url.set_query(Some("immutable=1"));
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            Connection::open_with_flags(url.as_str(), flags)
        }
        None => Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY),
    }
}

/// Whether the file is ours, known and whole: its version, and the newest known here.
fn examine(path: &Path, db: &Connection) -> Result<(i64, i64), LedgerError> {
    let failed = |source| LedgerError::Sqlite { path: path.to_owned(), action: "open its database", source };
    db.busy_timeout(BUSY).map_err(failed)?;
    let number = |db: &Connection, name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed);
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if tables > 0 && number(db, "application_id")? != APPLICATION {
        return Err(LedgerError::Foreign { path: path.to_owned() });
    }
    let (found, known) = (number(db, "user_version")?, MIGRATIONS.len() as i64);
    if found > known {
        return Err(LedgerError::Newer { path: path.to_owned(), found, known });
    }
    let check: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if check != "ok" {
        return Err(LedgerError::Damaged { path: path.to_owned(), found: check });
    }
    Ok((found, known))
}

fn prepare(path: &Path, db: &mut Connection) -> Result<(), LedgerError> {
    let failed = |source| LedgerError::Sqlite { path: path.to_owned(), action: "open its database", source };
    let number = |db: &Connection, name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed);
    let (found, known) = examine(path, db)?;
    write_ahead(db).map_err(failed)?;
    db.pragma_update(None, "synchronous", "full").map_err(failed)?;
    db.pragma_update(None, "foreign_keys", true).map_err(failed)?;
    db.pragma_update(None, "cache_size", -CACHE_KIB).map_err(failed)?;
    db.set_prepared_statement_cache_capacity(64);
    if found == known {
        return Ok(());
    }
    let step = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Another process may have been faster.
    let found = usize::try_from(number(&step, "user_version")?).unwrap_or(0);
    for migration in &MIGRATIONS[found..] {
        step.execute_batch(migration).map_err(failed)?;
    }
    step.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
    step.pragma_update(None, "user_version", known).map_err(failed)?;
    step.commit().map_err(failed)
}

/// Begins to write ahead. Of two processes that open a new ledger at once one may be refused on the spot, since its lock
/// cannot grow; it waits for the other in the way that waits, and asks again.
fn write_ahead(db: &Connection) -> rusqlite::Result<()> {
    for _ in 0..TURNS {
        match db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                db.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
            }
            done => return done,
        }
    }
    db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))
}

/// Damage has its own error, so that the message can say what to do.
pub(super) fn explain(path: &Path, action: &'static str, source: rusqlite::Error) -> LedgerError {
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            LedgerError::Damaged { path: path.to_owned(), found: source.to_string() }
        }
        Some(_) | None => LedgerError::Sqlite { path: path.to_owned(), action, source },
    }
}
