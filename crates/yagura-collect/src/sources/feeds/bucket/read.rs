//! An object of a bucket as an ordinary reader, for worker threads.
//! Broken bodies are taken up again in `yagura-aws`.

use std::io::{self, Read};

use tokio::runtime::Handle;
use yagura_aws::Fetched;

use super::fault;

/// Reads an object; waits for AWS.
pub(in super::super) struct Reader {
    fetched: Fetched,
    location: String,
    runtime: Handle,
    chunk: bytes::Bytes,
    ended: bool,
}

impl Reader {
    pub(in super::super) fn new(fetched: Fetched, location: &str, runtime: Handle) -> Self {
        let chunk = bytes::Bytes::new();
        Self { fetched, location: location.to_owned(), runtime, chunk, ended: false }
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() && !self.ended {
            let next = self.runtime.block_on(self.fetched.chunk());
            match next.map_err(|error| fault("read", &self.location, error).into_io())? {
                Some(chunk) => self.chunk = chunk,
                None => self.ended = true,
            }
        }
        let size = self.chunk.len().min(buffer.len());
        let piece = self.chunk.split_to(size);
        if let Some(room) = buffer.get_mut(..size) {
            room.copy_from_slice(&piece);
        }
        Ok(size)
    }
}
