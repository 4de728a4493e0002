//! The two directions of a proxied connection, with bounded buffers.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::tcp::{ReadHalf, WriteHalf};

/// Buffer of each side of each direction.
const BUFFER_BYTES: usize = 64 * 1024;

/// One direction: reads from one peer, and writes to the other.
pub(super) struct Direction<'a> {
    reader: BufReader<ReadHalf<'a>>,
    writer: BufWriter<WriteHalf<'a>>,
    /// True if bytes are discarded once the receiver is gone, so that what the sender does can still be observed.
    outlives_receiver: bool,
    is_receiver_gone: bool,
}

impl<'a> Direction<'a> {
    /// From the client to the broker.
    pub(super) fn requests(reader: ReadHalf<'a>, writer: WriteHalf<'a>) -> Self {
        Self::new(reader, writer, false)
    }

    /// From the broker to the client.
    pub(super) fn responses(reader: ReadHalf<'a>, writer: WriteHalf<'a>) -> Self {
        Self::new(reader, writer, true)
    }

    fn new(reader: ReadHalf<'a>, writer: WriteHalf<'a>, outlives_receiver: bool) -> Self {
        let (reader, writer) =
            (BufReader::with_capacity(BUFFER_BYTES, reader), BufWriter::with_capacity(BUFFER_BYTES, writer));
        Self { reader, writer, outlives_receiver, is_receiver_gone: false }
    }

    /// Reads exactly `N` bytes; `None` if the sender has closed before the first of them.
    pub(super) async fn read<const N: usize>(&mut self) -> io::Result<Option<[u8; N]>> {
        if self.reader.fill_buf().await?.is_empty() {
            return Ok(None);
        }
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).await?;
        Ok(Some(bytes))
    }

    /// Reads `count` bytes. The caller bounds it.
    pub(super) async fn read_vec(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.reader.read_exact(&mut bytes).await?;
        Ok(bytes)
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_receiver_gone {
            return Ok(());
        }
        let written = self.writer.write_all(bytes).await;
        self.check(written)
    }

    /// Passes exactly `count` bytes on.
    pub(super) async fn pass(&mut self, count: u64) -> io::Result<()> {
        self.transfer(count, true).await
    }

    /// Reads exactly `count` bytes, and discards them.
    pub(super) async fn swallow(&mut self, count: u64) -> io::Result<()> {
        self.transfer(count, false).await
    }

    async fn transfer(&mut self, mut count: u64, is_passed: bool) -> io::Result<()> {
        while count > 0 {
            let chunk = self.reader.fill_buf().await?;
            if chunk.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let taken = chunk.len().min(usize::try_from(count).unwrap_or(usize::MAX));
            let written =
                if is_passed && !self.is_receiver_gone { self.writer.write_all(&chunk[..taken]).await } else { Ok(()) };
            self.reader.consume(taken);
            count -= taken as u64;
            self.check(written)?;
        }
        Ok(())
    }

    /// Passes everything on, until the sender closes.
    pub(super) async fn pass_all(&mut self) -> io::Result<()> {
        loop {
            let available = self.reader.fill_buf().await?.len();
            if available == 0 {
                return Ok(());
            }
            self.pass(available as u64).await?;
            self.flush().await?;
        }
    }

    pub(super) async fn flush(&mut self) -> io::Result<()> {
        if self.is_receiver_gone {
            return Ok(());
        }
        let flushed = self.writer.flush().await;
        self.check(flushed)
    }

    /// Sends what was written, if nothing else is there to write with it.
    pub(super) async fn flush_if_idle(&mut self) -> io::Result<()> {
        if self.reader.buffer().is_empty() { self.flush().await } else { Ok(()) }
    }

    /// Tells the receiver that nothing follows.
    pub(super) async fn close(&mut self) {
        // The receiver may be gone already.
        let _ = self.writer.shutdown().await;
    }

    fn check(&mut self, written: io::Result<()>) -> io::Result<()> {
        if written.is_err() && self.outlives_receiver {
            self.is_receiver_gone = true;
            return Ok(());
        }
        written
    }
}
