//! Reading a snapshot: whole or not at all, in one transaction.
//! The format is described in `mod.rs`; nothing in the file is trusted.

use std::io::{BufRead, BufReader, Read};

use sha2::Digest as _;
use yagura_model::{Coverage, Resource};

use super::{FORMAT, Header, Imported, LINE_BYTES_MAX, Line, Tally, Trailer};
use crate::Store;
use crate::database::Session;
use crate::error::{SnapshotFault, StoreError};
use crate::scan::{self, Account, ScanId, ScanStart};

/// Resources stored by one step.
const BATCH: usize = 500;
/// The largest window that a snapshot may ask the decompressor for (2^27 bytes).
const WINDOW_LOG_MAX: u32 = 27;

impl Store {
    /// Takes a snapshot in, as a scan of its own with the time and the coverage of the original.
    /// A truncated, altered or foreign file is refused as a whole: nothing of it is stored.
    ///
    /// Other writers wait until it is done (seconds for 100,000 resources). A snapshot that is
    /// older than what the store knows of a resource does not rewrite the resource's timeline.
    pub async fn import(&self, reader: impl Read + Send) -> Result<Imported, StoreError> {
        let mut input = Input::open(reader)?;
        let Some(Line::YaguraSnapshot(header)) = input.line(true)? else {
            return Err(refused(SnapshotFault::NotASnapshot));
        };
        let mut session = self.database.write("import a snapshot").await?;
        let mut import = Import::new(*header);
        loop {
            match input.line(false)? {
                Some(Line::Account(_)) if import.scan.is_some() => {
                    return Err(input.broken("an account after the resources".to_owned()));
                }
                Some(Line::Account(account)) => import.accounts.push(account),
                Some(Line::Coverage(entry)) => import.coverage.push(*entry),
                Some(Line::Resource(resource)) => {
                    import.resources.push(*resource);
                    if import.resources.len() >= BATCH {
                        import.store(&mut session).await?;
                    }
                }
                Some(Line::End(trailer)) => {
                    input.check(&trailer)?;
                    break;
                }
                Some(Line::YaguraSnapshot(_)) => {
                    return Err(input.broken("a second header".to_owned()));
                }
                None => return Err(refused(SnapshotFault::Truncated)),
            }
        }
        let scan = import.finish(&mut session).await?;
        session.commit().await?;
        let Tally { accounts, resources, .. } = input.tally;
        Ok(Imported { scan, accounts, resources })
    }
}

fn refused(fault: SnapshotFault) -> StoreError {
    StoreError::SnapshotRefused(fault)
}

/// What was read and not yet stored.
struct Import {
    header: Header,
    scan: Option<ScanId>,
    accounts: Vec<Account>,
    coverage: Vec<Coverage>,
    resources: Vec<Resource>,
}

impl Import {
    fn new(header: Header) -> Self {
        Self {
            header,
            scan: None,
            accounts: Vec::new(),
            coverage: Vec::new(),
            resources: Vec::new(),
        }
    }

    /// Stores what was read so far; the accounts, which come first, begin the scan.
    async fn store(&mut self, session: &mut Session) -> Result<ScanId, StoreError> {
        let started_us = self.header.started.as_microsecond();
        let scan = match self.scan {
            Some(scan) => scan,
            None => {
                let start = ScanStart {
                    started: self.header.started,
                    accounts: std::mem::take(&mut self.accounts),
                    regions: self.header.regions.clone(),
                    controls: self.header.controls.clone(),
                    full: self.header.full,
                };
                scan::begin(session, &start, true).await?
            }
        };
        self.scan = Some(scan);
        let resources = std::mem::take(&mut self.resources);
        crate::resources::put(session, scan, started_us, &resources).await?;
        Ok(scan)
    }

    async fn finish(mut self, session: &mut Session) -> Result<ScanId, StoreError> {
        let scan = self.store(session).await?;
        crate::coverage::put(session, scan, &self.coverage).await?;
        crate::ending::finish(session, scan, self.header.outcome, self.header.finished).await?;
        Ok(scan)
    }
}

/// The lines of a file, counted and digested.
struct Input<R: Read> {
    lines: BufReader<zstd::Decoder<'static, BufReader<R>>>,
    number: u64,
    tally: Tally,
}

impl<R: Read> Input<R> {
    fn open(reader: R) -> Result<Self, StoreError> {
        let unreadable = |error| refused(SnapshotFault::Unreadable(error));
        let mut decoder = zstd::Decoder::new(reader).map_err(unreadable)?;
        decoder.window_log_max(WINDOW_LOG_MAX).map_err(unreadable)?;
        let lines = BufReader::with_capacity(256 * 1024, decoder);
        Ok(Self { lines, number: 0, tally: Tally::default() })
    }

    fn broken(&self, detail: String) -> StoreError {
        refused(SnapshotFault::Line { line: self.number, detail })
    }

    /// The next line; `None` at the end of the file.
    fn line(&mut self, is_first: bool) -> Result<Option<Line>, StoreError> {
        let Some(text) = self.text(is_first)? else { return Ok(None) };
        self.number += 1;
        let line: Line = match serde_json::from_slice(&text) {
            Ok(line) => line,
            Err(_) if is_first => return Err(first_line_fault(&text)),
            Err(error) => return Err(self.broken(error.to_string())),
        };
        match &line {
            Line::YaguraSnapshot(header) if header.version != FORMAT => {
                return Err(first_line_fault(&text));
            }
            Line::Account(_) => self.tally.accounts += 1,
            Line::Coverage(_) => self.tally.coverage += 1,
            Line::Resource(_) => self.tally.resources += 1,
            Line::YaguraSnapshot(_) => {}
            // The trailer digests what comes before it.
            Line::End(_) => return Ok(Some(line)),
        }
        self.tally.hash.update(&text);
        self.tally.hash.update(b"\n");
        Ok(Some(line))
    }

    /// One line's bytes. A last line without its end is a truncated file.
    fn text(&mut self, is_first: bool) -> Result<Option<Vec<u8>>, StoreError> {
        let mut text = Vec::new();
        let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
        let read = (&mut self.lines).take(limit).read_until(b'\n', &mut text);
        read.map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => refused(SnapshotFault::Truncated),
            _ if is_first => refused(SnapshotFault::NotASnapshot),
            _ => refused(SnapshotFault::Unreadable(error)),
        })?;
        match text.pop() {
            None => Ok(None),
            Some(b'\n') => Ok(Some(text)),
            Some(_) if text.len() + 1 >= LINE_BYTES_MAX => {
                self.number += 1;
                Err(self.broken(format!("it is longer than {LINE_BYTES_MAX} bytes")))
            }
            Some(_) => Err(refused(SnapshotFault::Truncated)),
        }
    }

    /// Compares with the trailer, and makes sure that nothing follows it.
    fn check(&mut self, trailer: &Trailer) -> Result<(), StoreError> {
        let own = self.tally.trailer();
        let altered = |what| Err(refused(SnapshotFault::Altered(what)));
        if own.accounts != trailer.accounts {
            return altered("the number of accounts");
        }
        if own.coverage != trailer.coverage {
            return altered("the number of listings");
        }
        if own.resources != trailer.resources {
            return altered("the number of resources");
        }
        if own.sha256 != trailer.sha256 {
            return altered("the digest");
        }
        // Reading to the end also lets zstd verify its own checksum.
        match self.lines.fill_buf() {
            Ok([]) => Ok(()),
            Ok(_) => Err(refused(SnapshotFault::Trailing)),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err(refused(SnapshotFault::Truncated))
            }
            Err(error) => Err(refused(SnapshotFault::Unreadable(error))),
        }
    }
}

/// Why a first line cannot be read: made by a newer yagura, or no snapshot at all.
fn first_line_fault(text: &[u8]) -> StoreError {
    let version = serde_json::from_slice::<serde_json::Value>(text)
        .ok()
        .and_then(|line| line.pointer("/yagura_snapshot/version")?.as_u64());
    refused(match version {
        Some(version) if version > FORMAT => SnapshotFault::Newer(version),
        _ => SnapshotFault::NotASnapshot,
    })
}
