//! Writing a snapshot, page by page.
//! How it is read is in `import.rs`.

use std::io::Write;

use futures::StreamExt as _;
use jiff::Timestamp;
use sha2::Digest as _;
use yagura_model::Coverage;

use super::{FORMAT, Header, Line, SnapshotOf, Tally};
use crate::Store;
use crate::error::StoreError;
use crate::resources::ResourceFilter;
use crate::scan::{Account, Scan, ScanOutcome, ScanState};

const LEVEL: i32 = 6;

impl Store {
    /// Writes a snapshot; answers the number of resources. When this fails, what was written so
    /// far is of no use.
    pub async fn export(
        &self,
        of: SnapshotOf,
        writer: impl Write + Send,
    ) -> Result<u64, StoreError> {
        let failed = StoreError::SnapshotWrite;
        let mut encoder = zstd::Encoder::new(writer, LEVEL).map_err(failed)?;
        encoder.include_checksum(true).map_err(failed)?;
        let mut out = Output { encoder, tally: Tally::default() };
        let (header, accounts, coverage) = self.head(of).await?;
        out.line(&Line::YaguraSnapshot(Box::new(header)))?;
        for account in accounts {
            out.tally.accounts += 1;
            out.line(&Line::Account(account))?;
        }
        for entry in coverage {
            out.tally.coverage += 1;
            out.line(&Line::Coverage(Box::new(entry)))?;
        }
        let all = ResourceFilter::default();
        let mut resources = match of {
            SnapshotOf::Scan(scan) => self.scan_resources(scan, &all),
            SnapshotOf::Time(at) => self.resources_at(at, &all),
        };
        while let Some(resource) = resources.next().await {
            out.tally.resources += 1;
            out.line(&Line::Resource(Box::new(resource?)))?;
        }
        let trailer = out.tally.trailer();
        let resources = trailer.resources;
        out.line(&Line::End(trailer))?;
        out.encoder.finish().and_then(|mut writer| writer.flush()).map_err(failed)?;
        Ok(resources)
    }

    /// What comes before the resources. For a time, each listing is the newest one until then.
    async fn head(
        &self,
        of: SnapshotOf,
    ) -> Result<(Header, Vec<Account>, Vec<Coverage>), StoreError> {
        match of {
            SnapshotOf::Scan(id) => {
                let scan = self.scan(id).await?;
                let header = header_of(&scan, scan.start.started);
                Ok((header, scan.start.accounts, self.coverage(id).await?))
            }
            SnapshotOf::Time(at) => {
                let coverage = self.coverage_at(at).await?;
                let accounts = self.accounts().await?;
                let scan = self.latest_scan_at(at).await?;
                let header = match &scan {
                    Some(scan) => Header { finished: at, ..header_of(scan, at) },
                    None => Header {
                        version: FORMAT,
                        started: at,
                        finished: at,
                        outcome: ScanOutcome::Interrupted,
                        regions: Vec::new(),
                        controls: Vec::new(),
                        full: false,
                    },
                };
                Ok((header, accounts, coverage))
            }
        }
    }
}

fn header_of(scan: &Scan, started: Timestamp) -> Header {
    Header {
        version: FORMAT,
        started,
        finished: scan.finished.unwrap_or(started),
        outcome: match scan.state {
            ScanState::Complete => ScanOutcome::Complete,
            ScanState::Failed => ScanOutcome::Failed,
            ScanState::Interrupted | ScanState::Running => ScanOutcome::Interrupted,
        },
        regions: scan.start.regions.clone(),
        controls: scan.start.controls.clone(),
        full: scan.start.full,
    }
}

struct Output<W: Write> {
    encoder: zstd::Encoder<'static, W>,
    tally: Tally,
}

impl<W: Write> Output<W> {
    fn line(&mut self, line: &Line) -> Result<(), StoreError> {
        let failed = StoreError::SnapshotWrite;
        let mut text = serde_json::to_vec(line).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        self.tally.hash.update(&text);
        self.encoder.write_all(&text).map_err(failed)
    }
}
