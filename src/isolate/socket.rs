//! The process's end of its socket: frames in, with descriptors beside them, and frames out.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

use crate::wire::{self, Down, FrameError, Up};

/// Bytes read at once. Most frames are far smaller, and every page of it is one to be touched.
const READ_BYTES: usize = 16 << 10;

/// Bytes that wait before they are written although more may come.
const FLUSH_BYTES: usize = 64 << 10;

/// The socket. What is sent is written at the next `flush`.
pub struct Socket {
    fd: OwnedFd,
    // Read and not yet decoded, from `start` on.
    incoming: Vec<u8>,
    start: usize,
    outgoing: Vec<u8>,
    descriptors: VecDeque<OwnedFd>,
    // A sealed process gets no descriptors and may not make the call that takes them.
    sealed: bool,
    // Bytes read and written since somebody asked.
    carried: usize,
}

/// Why the socket cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The kernel has closed its end.
    #[error("The kernel has gone")]
    Closed,
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    System(#[from] Errno),
}

impl Socket {
    /// Takes over a connected stream socket.
    pub fn new(fd: OwnedFd) -> Self {
        Self {
            fd,
            incoming: Vec::new(),
            start: 0,
            outgoing: Vec::new(),
            descriptors: VecDeque::new(),
            sealed: false,
            carried: 0,
        }
    }

    /// Goes on with another socket; what was under way on this one is dropped with it.
    pub fn replace(&mut self, fd: OwnedFd) {
        *self = Self::new(fd);
    }

    /// From now on takes bytes only.
    pub fn seal(&mut self) {
        self.sealed = true;
    }

    /// Whether so many bytes went through since this was last true.
    pub fn has_carried(&mut self, bytes: usize) -> bool {
        let has = self.carried >= bytes;
        if has {
            self.carried = 0;
        }
        has
    }

    /// The oldest descriptor that came with a frame.
    pub fn take_descriptor(&mut self) -> Option<OwnedFd> {
        self.descriptors.pop_front()
    }

    /// Queues a frame.
    pub fn send(&mut self, frame: &Up) {
        if let Err(error) = wire::encode(frame, &mut self.outgoing) {
            // Only a frame over the limit: the kernel learns of it by the missing answer.
            crate::isolate::fatal(&format!("a frame could not be sent: {error}"));
        }
        if self.outgoing.len() >= FLUSH_BYTES {
            // A lost kernel is noticed at the next read.
            let _ = self.flush();
        }
    }

    /// Bytes that are queued.
    pub fn unsent(&self) -> usize {
        self.outgoing.len()
    }

    /// Takes back what was queued since there were so many bytes.
    pub fn take_back(&mut self, unsent: usize) {
        self.outgoing.truncate(unsent);
    }

    /// Writes all that is queued.
    pub fn flush(&mut self) -> Result<(), SocketError> {
        let mut written = 0;
        while written < self.outgoing.len() {
            match nix::unistd::write(&self.fd, &self.outgoing[written..]) {
                Ok(0) => return Err(SocketError::Closed),
                Ok(count) => written += count,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => self.wait(PollFlags::POLLOUT, PollTimeout::NONE).map(drop)?,
                Err(Errno::EPIPE | Errno::ECONNRESET) => return Err(SocketError::Closed),
                Err(error) => return Err(error.into()),
            }
        }
        self.carried += written;
        self.outgoing.clear();
        if self.outgoing.capacity() > 16 * FLUSH_BYTES {
            self.outgoing.shrink_to(FLUSH_BYTES);
        }
        Ok(())
    }

    /// The next frame that is already here.
    pub fn next(&mut self) -> Result<Option<Down>, SocketError> {
        let bytes = &self.incoming[self.start..];
        let Some(length) = wire::frame_length(bytes)? else {
            return Ok(None);
        };
        let Some(body) = bytes.get(4..4 + length) else {
            return Ok(None);
        };
        let frame = wire::decode(body)?;
        self.start += 4 + length;
        if self.start == self.incoming.len() {
            self.incoming.clear();
            self.start = 0;
            if self.incoming.capacity() > 16 * READ_BYTES {
                self.incoming.shrink_to(READ_BYTES);
            }
        }
        Ok(Some(frame))
    }

    /// Waits up to `timeout_ms` (`None`: for ever) for the kernel, and reads what there is.
    pub fn read(&mut self, timeout_ms: Option<u32>) -> Result<(), SocketError> {
        let timeout = match timeout_ms {
            None => PollTimeout::NONE,
            Some(ms) => PollTimeout::try_from(ms.min(i32::MAX as u32)).unwrap_or(PollTimeout::MAX),
        };
        if !self.wait(PollFlags::POLLIN, timeout)? {
            return Ok(());
        }
        if self.start > 0 && self.start == self.incoming.len() {
            self.incoming.clear();
            self.start = 0;
        } else if self.start > READ_BYTES {
            self.incoming.drain(..self.start);
            self.start = 0;
        }
        let filled = self.incoming.len();
        self.incoming.resize(filled + READ_BYTES, 0);
        let received = self.receive(filled);
        match received {
            Ok(count) => {
                self.incoming.truncate(filled + count);
                self.carried += count;
                if count == 0 {
                    Err(SocketError::Closed)
                } else {
                    Ok(())
                }
            }
            Err(Errno::EAGAIN | Errno::EINTR) => {
                self.incoming.truncate(filled);
                Ok(())
            }
            Err(Errno::ECONNRESET) => Err(SocketError::Closed),
            Err(error) => Err(error.into()),
        }
    }

    fn receive(&mut self, filled: usize) -> Result<usize, Errno> {
        if self.sealed {
            return nix::unistd::read(&self.fd, &mut self.incoming[filled..]);
        }
        let mut control = cmsg_space!([RawFd; 4]);
        let fd = self.fd.as_raw_fd();
        let mut slices = [io::IoSliceMut::new(&mut self.incoming[filled..])];
        let message = recvmsg::<()>(
            fd,
            &mut slices,
            Some(&mut control),
            MsgFlags::MSG_CMSG_CLOEXEC,
        )?;
        let count = message.bytes;
        for part in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(fds) = part {
                // SAFETY: the kernel has just installed these descriptors for us; nobody else
                // knows them.
                let owned = fds
                    .into_iter()
                    .map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
                self.descriptors.extend(owned);
            }
        }
        Ok(count)
    }

    fn wait(&self, flags: PollFlags, timeout: PollTimeout) -> Result<bool, SocketError> {
        let mut fds = [PollFd::new(self.fd.as_fd(), flags)];
        match poll(&mut fds, timeout) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
