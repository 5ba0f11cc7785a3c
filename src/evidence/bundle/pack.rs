//! Files into a ZIP, each hashed on its way.

use std::io::{self, Seek, Write};

use anyhow::Context;
use serde::Serialize;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::error::Result;

/// A ZIP that is being written.
pub(super) struct Packer<W: Write + Seek> {
    zip: ZipWriter<W>,
    /// A line for each file, as `sha256sum` writes them.
    sums: String,
}

impl<W: Write + Seek> Packer<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            zip: ZipWriter::new(out),
            sums: String::new(),
        }
    }

    /// Adds a file whose content is written bit by bit.
    pub(super) fn file(
        &mut self,
        name: &str,
        content: impl FnOnce(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        self.zip
            .start_file(name, options)
            .context("the bundle cannot be written")?;
        let mut hashing = Hashing {
            to: &mut self.zip,
            hash: Sha256::new(),
        };
        content(&mut hashing)?;
        let hash = hex::encode(hashing.hash.finalize());
        self.sums += &format!("{hash}  {name}\n");
        Ok(())
    }

    pub(super) fn bytes(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.file(name, |to| {
            to.write_all(bytes)
                .context("the bundle cannot be written")?;
            Ok(())
        })
    }

    pub(super) fn text(&mut self, name: &str, text: &str) -> Result<()> {
        self.bytes(name, text.as_bytes())
    }

    pub(super) fn json(&mut self, name: &str, value: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_string_pretty(value)?;
        text.push('\n');
        self.text(name, &text)
    }

    /// Adds the sums of all files and ends the ZIP.
    pub(super) fn finish(mut self) -> Result<()> {
        let sums = std::mem::take(&mut self.sums);
        self.text("SHA256SUMS", &sums)?;
        self.zip.finish().context("the bundle cannot be written")?;
        Ok(())
    }
}

struct Hashing<'a, W: Write + Seek> {
    to: &'a mut ZipWriter<W>,
    hash: Sha256,
}

impl<W: Write + Seek> Write for Hashing<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
