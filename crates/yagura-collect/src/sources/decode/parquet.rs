//! Parquet objects: handed to the lake, which alone reads Parquet; the rows come back as records.
//! An object that is too large for memory waits in a temporary file, since its index stands at
//! its end.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::ops::ControlFlow;

use yagura_lake::input::{ParquetFault, ParquetInput, read_rows};

use super::output::{Halt, Output};
use super::piece::{BadPiece, BadReason};

pub(super) fn is_parquet(head: &[u8]) -> bool {
    head.starts_with(b"PAR1")
}

/// Reads the object that begins with `head` and goes on with `rest`.
pub(super) fn read(
    head: Vec<u8>,
    mut rest: Box<dyn Read + '_>,
    out: &mut Output<'_>,
    stored_bytes: &mut u64,
) -> Result<(), Halt> {
    let kept = head.get(..BadPiece::BYTES_MAX).unwrap_or(&head).to_vec();
    let mut next = [0];
    let input = if rest.read(&mut next)? == 0 {
        ParquetInput::Memory(head.into())
    } else {
        let (file, length) = spool(&[&head, next.as_slice()], &mut rest, out)?;
        *stored_bytes = length;
        ParquetInput::File(file)
    };
    let origin = out.builder.batch().shared_origin();
    let batch_bytes = out.limits.batch_bytes;
    let mut halted = None;
    let outcome =
        read_rows(input, origin, batch_bytes, &mut |batch| match out.ready_batch(batch) {
            Ok(()) => ControlFlow::Continue(()),
            Err(halt) => {
                halted = Some(halt);
                ControlFlow::Break(())
            }
        });
    if let Some(halt) = halted {
        return Err(halt);
    }
    match outcome {
        Ok(_) => Ok(()),
        Err(ParquetFault::Read(error)) => Err(Halt::Spool(error)),
        Err(ParquetFault::Malformed { .. }) => out.bad_piece(BadPiece {
            reason: BadReason::MalformedParquet,
            offset: 0,
            length: *stored_bytes,
            bytes: kept,
            records_lost: None,
        }),
    }
}

/// Copies the object into a file that vanishes when it is closed.
fn spool(begin: &[&[u8]], rest: &mut dyn Read, out: &Output<'_>) -> Result<(File, u64), Halt> {
    let folder = out.limits.spool_folder.clone().unwrap_or_else(std::env::temp_dir);
    let mut file = tempfile::tempfile_in(folder).map_err(Halt::Spool)?;
    let mut length = 0;
    for part in begin {
        file.write_all(part).map_err(Halt::Spool)?;
        length += part.len() as u64;
    }
    let mut buffer = vec![0; 256 << 10];
    loop {
        let count = match rest.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Halt::Read(error)),
        };
        file.write_all(buffer.get(..count).unwrap_or_default()).map_err(Halt::Spool)?;
        length += count as u64;
    }
    file.rewind().map_err(Halt::Spool)?;
    Ok((file, length))
}
