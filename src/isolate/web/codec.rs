//! Compression a step at a time: input goes in, output comes out in pieces of bounded size.

use brotli::enc::StandardAlloc;
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState, CompressorWriter};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use std::io::Write;

// As large as the pieces of a body.
const PIECE_BYTES: usize = 64 * 1024;
// The greatest window of deflate, 2^15 bytes: what everybody can read.
const WINDOW_BITS: u8 = 15;
// What a program pays for a response, not for an archive: the best quality is 100 times slower.
const BROTLI_QUALITY: u32 = 5;
// 2^18 bytes: a megabyte of memory for each stream rather than many.
const BROTLI_WINDOW_BITS: u32 = 18;

/// Why a stream of compressed bytes is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    #[error("The format is none of deflate, deflate-raw, gzip and brotli")]
    Format,
    #[error("The compressed data is corrupt")]
    Corrupt,
    #[error("The compressed data ends too early")]
    Truncated,
    #[error("There is more after the end of the compressed data")]
    Trailing,
}

/// A compressor or decompressor, and what it has still to read.
pub struct Codec {
    method: Method,
    input: Vec<u8>,
    read: usize,
    finishing: bool,
    ended: bool,
}

enum Method {
    Deflate(Compress),
    Inflate(Decompress),
    Brotli(Option<Box<CompressorWriter<Vec<u8>>>>),
    Unbrotli(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>),
}

/// What one step did.
struct Step {
    read: usize,
    ended: bool,
    stuck: bool,
}

impl Codec {
    /// A codec of a format, as the standard names them.
    pub fn new(format: &str, compresses: bool) -> Result<Self, CodecError> {
        let level = Compression::default();
        let method = match (format, compresses) {
            ("deflate", true) => Method::Deflate(Compress::new(level, true)),
            ("deflate", false) => Method::Inflate(Decompress::new(true)),
            ("deflate-raw", true) => Method::Deflate(Compress::new(level, false)),
            ("deflate-raw", false) => Method::Inflate(Decompress::new(false)),
            ("gzip", true) => Method::Deflate(Compress::new_gzip(level, WINDOW_BITS)),
            ("gzip", false) => Method::Inflate(Decompress::new_gzip(WINDOW_BITS)),
            ("brotli", true) => Method::Brotli(Some(Box::new(CompressorWriter::new(
                Vec::new(),
                PIECE_BYTES,
                BROTLI_QUALITY,
                BROTLI_WINDOW_BITS,
            )))),
            ("brotli", false) => Method::Unbrotli(Box::new(BrotliState::new_strict(
                StandardAlloc::default(),
                StandardAlloc::default(),
                StandardAlloc::default(),
            ))),
            _ => return Err(CodecError::Format),
        };
        Ok(Self {
            method,
            input: Vec::new(),
            read: 0,
            finishing: false,
            ended: false,
        })
    }

    /// Gives it more to read, after what it had was taken.
    pub fn feed(&mut self, input: Vec<u8>) {
        self.input = input;
        self.read = 0;
    }

    /// Says that there will be no more.
    pub fn finish(&mut self) {
        self.feed(Vec::new());
        self.finishing = true;
    }

    /// The next piece of output; nothing when it needs more to read.
    pub fn take(&mut self) -> Result<Option<Vec<u8>>, CodecError> {
        let mut piece = Vec::new();
        while piece.is_empty() {
            let rest = self.input.get(self.read..).unwrap_or_default();
            if self.ended {
                return match rest {
                    [] => Ok(None),
                    [..] => Err(CodecError::Trailing),
                };
            }
            if rest.is_empty() && !self.finishing {
                return Ok(None);
            }
            let step = self.method.step(rest, self.finishing, &mut piece)?;
            self.read += step.read;
            self.ended = step.ended;
            if step.stuck && !step.ended && piece.is_empty() {
                return match self.finishing {
                    true => Err(CodecError::Truncated),
                    false => Ok(None),
                };
            }
        }
        Ok(Some(piece))
    }
}

impl Method {
    /// Reads of `rest`, appends to `piece` and says how far it came.
    fn step(
        &mut self,
        rest: &[u8],
        finishing: bool,
        piece: &mut Vec<u8>,
    ) -> Result<Step, CodecError> {
        match self {
            Self::Deflate(compress) => {
                piece.reserve(PIECE_BYTES);
                let before = compress.total_in();
                let flush = match finishing {
                    true => FlushCompress::Finish,
                    false => FlushCompress::None,
                };
                let status = compress
                    .compress_vec(rest, piece, flush)
                    .map_err(|_| CodecError::Corrupt)?;
                Ok(Step::of(before, compress.total_in(), status))
            }
            Self::Inflate(decompress) => {
                piece.reserve(PIECE_BYTES);
                let before = decompress.total_in();
                let status = decompress
                    .decompress_vec(rest, piece, FlushDecompress::None)
                    .map_err(|_| CodecError::Corrupt)?;
                Ok(Step::of(before, decompress.total_in(), status))
            }
            Self::Brotli(writer) => {
                let taken = if finishing { writer.take() } else { None };
                if let Some(last) = taken {
                    *piece = last.into_inner();
                } else if let Some(writer) = writer {
                    writer.write_all(rest).map_err(|_| CodecError::Corrupt)?;
                    std::mem::swap(piece, writer.get_mut());
                }
                Ok(Step {
                    read: rest.len(),
                    ended: finishing,
                    stuck: true,
                })
            }
            Self::Unbrotli(state) => {
                piece.resize(PIECE_BYTES, 0);
                let (mut unread, mut read) = (rest.len(), 0);
                let (mut free, mut written, mut total) = (PIECE_BYTES, 0, 0);
                let result = BrotliDecompressStream(
                    &mut unread,
                    &mut read,
                    rest,
                    &mut free,
                    &mut written,
                    piece,
                    &mut total,
                    state,
                );
                piece.truncate(written);
                let ended = match result {
                    BrotliResult::ResultSuccess => true,
                    BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => false,
                    BrotliResult::ResultFailure => return Err(CodecError::Corrupt),
                };
                Ok(Step {
                    read,
                    ended,
                    stuck: read == 0,
                })
            }
        }
    }
}

impl Step {
    fn of(before: u64, after: u64, status: Status) -> Self {
        let read = usize::try_from(after.wrapping_sub(before)).unwrap_or(0);
        let ended = match status {
            Status::StreamEnd => true,
            Status::Ok | Status::BufError => false,
        };
        Self {
            read,
            ended,
            stuck: read == 0,
        }
    }
}
