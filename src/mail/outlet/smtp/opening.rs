//! What is said to a mail server before lettre takes over.
//!
//! lettre could ask for encryption itself (0.11.23, `AsyncSmtpConnection::starttls`), but goes on to read
//! from the buffer it had in the clear: whatever somebody on the line adds to the packet with the
//! answer to STARTTLS it takes for what the server says under encryption. Here nothing said in the clear
//! outlives it (RFC 3207, 4.2).

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use lettre::transport::smtp::commands::{Ehlo, Starttls};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf,
};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::encryption::Encryption;
use super::said;

/// Bytes of a line, and of an answer, that are read at most; RFC 5321, 4.5.3.1.5 allows 512 to a line.
const LONGEST_LINE: u64 = 1_000;
const LONGEST_ANSWER: usize = 100_000;

/// A conversation that is not encrypted yet.
pub(super) struct Clear(BufReader<TcpStream>);

impl Clear {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self(BufReader::new(stream))
    }

    /// Waits for the greeting and returns what the server offers.
    pub(super) async fn introduce(&mut self, hello: &ClientId) -> Result<Response, String> {
        self.answer().await?;
        self.ask(Ehlo::new(hello.clone())).await
    }

    pub(super) async fn encrypt(
        mut self,
        encryption: &Encryption,
    ) -> Result<TlsStream<TcpStream>, String> {
        self.ask(Starttls).await?;
        encryption.begin(self.into_bare()?).await
    }

    /// The stream alone; an error if the server has said something that nobody asked for.
    pub(super) fn into_bare(self) -> Result<TcpStream, String> {
        if self.0.buffer().is_empty() {
            Ok(self.0.into_inner())
        } else {
            Err(
                "the server, or somebody on the line to it, says more than it was asked, \
                 and is not believed"
                    .to_string(),
            )
        }
    }

    async fn ask(&mut self, command: impl fmt::Display) -> Result<Response, String> {
        let sent = self.0.write_all(command.to_string().as_bytes()).await;
        sent.map_err(|error| error.to_string())?;
        self.answer().await
    }

    /// An answer that is no refusal.
    async fn answer(&mut self) -> Result<Response, String> {
        let mut text = String::new();
        loop {
            let mut line = Vec::new();
            let mut limited = (&mut self.0).take(LONGEST_LINE);
            let read = limited.read_until(b'\n', &mut line).await;
            read.map_err(|error| error.to_string())?;
            if line.is_empty() {
                return Err("the server closed the connection".to_string());
            }
            text.push_str(&String::from_utf8_lossy(&line));
            if !line.ends_with(b"\n") || text.len() > LONGEST_ANSWER {
                return Err("what the server says is too long or breaks off".to_string());
            }
            // Another line of the same answer follows (RFC 5321, 4.2.1).
            if line.get(3) != Some(&b'-') {
                break;
            }
        }
        let answer: Response = text
            .parse()
            .map_err(|_| format!("this is no answer of a mail server: {}", text.trim_end()))?;
        if answer.is_positive() {
            Ok(answer)
        } else {
            Err(said(&answer))
        }
    }
}

/// A stream for lettre, which waits for a greeting on each; where it was heard before, another stands for it.
#[derive(Debug)]
pub(super) struct Opened<S> {
    greeting: &'static [u8],
    stream: S,
    peer: SocketAddr,
}

impl<S> Opened<S> {
    pub(super) fn greeted(stream: S, peer: SocketAddr) -> Self {
        Self {
            greeting: b"220 \r\n",
            stream,
            peer,
        }
    }

    pub(super) fn not_greeted(stream: S, peer: SocketAddr) -> Self {
        Self {
            greeting: b"",
            stream,
            peer,
        }
    }
}

impl<S> AsyncTokioStream for Opened<S>
where
    S: AsyncRead + AsyncWrite + Send + Sync + Unpin + fmt::Debug,
{
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Opened<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.greeting.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let fitting = self.greeting.len().min(buf.remaining());
        let (now, later) = self.greeting.split_at(fitting);
        buf.put_slice(now);
        self.greeting = later;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opened<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
