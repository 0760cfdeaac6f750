//! The spool of a partition as it stands, for those who only look: nothing is cut, rescued or removed.
//!
//! Invariant: it finds exactly the pages that [`super::PartitionSpool::open`] would go on from.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::plan::CellId;

use super::error::SpoolError;
use super::frame::{self, FrameError, Head, Header, MAX_BODY, PageFrame};
use super::progress::{CellProgress, PageRef};
use super::scan::{Scan, Segment, Tail, scan};

/// The spool of one partition's generation, read only. Blocking.
#[derive(Debug)]
pub struct SpoolView {
    scan: Scan,
    head: Head,
}

impl SpoolView {
    /// Scans the folder `<state>/spool/<job>/<partition hash>`, which need not exist. The token of `head` plays no part:
    /// whoever looks does not contend with whoever writes.
    ///
    /// # Errors
    /// For damage, pages of others, and a disk that cannot be read; the same as for [`super::PartitionSpool::open`].
    pub fn open(dir: &Path, head: Head, tail: Tail) -> Result<Self, SpoolError> {
        let head = Head { replaces: None, token: u64::MAX, ..head };
        Ok(Self { scan: scan(dir, &head, tail)?, head })
    }

    /// How far a cell got; `None` if nothing of it is here.
    pub fn progress(&self, cell: &CellId) -> Option<&CellProgress> {
        self.scan.cells.progress(cell)
    }

    /// All cells of which something is here, in no order.
    pub fn cells(&self) -> impl Iterator<Item = (&CellId, &CellProgress)> {
        self.scan.cells.iter()
    }

    /// The pages of a cell's newest epoch, in page order.
    pub fn pages(&self, cell: &CellId) -> &[PageRef] {
        self.scan.cells.pages(cell)
    }

    /// Reads a page, checked.
    ///
    /// # Errors
    /// When it is no longer what the scan found, or its body cannot be unpacked.
    pub fn read(&self, page: &PageRef) -> Result<PageFrame, SpoolError> {
        match self.scan.segments.get(page.segment as usize) {
            Some(segment) => read_page(segment, page),
            None => Err(SpoolError::NotOpen(self.head.partition.clone())),
        }
    }

    /// The largest token under which something was written here; `None` when nothing was.
    pub fn newest_token(&self) -> Option<u64> {
        self.scan.segments.iter().map(|segment| segment.token).max()
    }
}

/// Reads one page back, checked.
pub(super) fn read_page(segment: &Segment, page: &PageRef) -> Result<PageFrame, SpoolError> {
    let path = &segment.path;
    let mut bytes = vec![0; usize::try_from(page.len).unwrap_or(0)];
    let mut file = File::open(path).map_err(SpoolError::io("open", path))?;
    file.seek(SeekFrom::Start(page.offset)).map_err(SpoolError::io("read", path))?;
    file.read_exact(&mut bytes).map_err(SpoolError::io("read", path))?;
    let damaged = |source| SpoolError::Damaged { path: path.clone(), offset: page.offset, source };
    let (header, body) = frame::decode(&bytes, MAX_BODY).map_err(damaged)?;
    match header {
        Header::Page(head) if head.page == page.page => Ok(PageFrame { head, body }),
        Header::Page(_) | Header::Head(_) | Header::End(_) => {
            Err(damaged(FrameError::Header("another frame stands there".to_owned())))
        }
    }
}
