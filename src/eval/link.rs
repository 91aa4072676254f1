//! A link: the kernel's end of a process's socket. Frames go out at once where there is room and
//! in order where there is not; frames come in one at a time.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd as _, AsRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, PoisonError};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair,
};
use tokio::io::unix::AsyncFd;
use tokio::sync::Semaphore;

use crate::limits::{LARGE_FRAME_BYTES, LARGE_FRAMES_BYTES_MAX};
use crate::wire::{self, Down, FrameError, Up};

/// Bytes read at once: most frames, and a quarter of a chunk of a body.
const READ_BYTES: usize = 16 << 10;

/// Frames that a process may leave unread before the kernel counts it as dead. Bodies have windows
/// of their own, so this is only reached by a process that reads nothing at all.
const OUTGOING_BYTES_MAX: usize = 128 << 20;

/// The kernel's end of a socket to a process.
pub struct Link {
    fd: AsyncFd<OwnedFd>,
    outgoing: Mutex<Outgoing>,
}

#[derive(Default)]
struct Outgoing {
    segments: VecDeque<Segment>,
    bytes: usize,
    // A task is writing the rest.
    draining: bool,
    closed: bool,
}

struct Segment {
    bytes: Vec<u8>,
    written: usize,
    descriptor: Option<OwnedFd>,
}

/// Why nothing more comes on a link.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("The process has gone")]
    Closed,
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    System(#[from] io::Error),
}

impl Link {
    /// A link, and the end that is for the process.
    pub fn pair() -> io::Result<(Arc<Self>, OwnedFd)> {
        let (ours, theirs) = socketpair(
            AddressFamily::Unix,
            SockType::Stream,
            None,
            SockFlag::SOCK_CLOEXEC,
        )?;
        let flags = nix::fcntl::OFlag::O_NONBLOCK;
        nix::fcntl::fcntl(&ours, nix::fcntl::FcntlArg::F_SETFL(flags))?;
        // SAFETY: the descriptor is owned here, and nobody closes or replaces it.
        let fd = unsafe { AsyncFd::register(ours)? };
        Ok((
            Arc::new(Self {
                fd,
                outgoing: Mutex::default(),
            }),
            theirs,
        ))
    }

    /// Whether the process still has its end.
    pub fn open(&self) -> bool {
        let mut asked = [PollFd::new(self.fd.get_ref().as_fd(), PollFlags::empty())];
        let told = poll(&mut asked, PollTimeout::ZERO);
        told.is_ok_and(|told| told == 0)
    }

    /// Sends a frame. A lost process is noticed by the reader.
    pub fn send(self: &Arc<Self>, frame: &Down) {
        let mut bytes = Vec::with_capacity(256);
        match wire::encode(frame, &mut bytes) {
            Ok(()) => self.send_bytes(bytes, None),
            Err(error) => {
                tracing::error!("a frame was not sent: {error}");
                self.close();
            }
        }
    }

    /// Sends bytes that are whole frames.
    pub fn send_encoded(self: &Arc<Self>, frames: Vec<u8>) {
        self.send_bytes(frames, None);
    }

    /// Asks the process to fork. The new process has the other end of the returned link.
    pub fn fork(self: &Arc<Self>) -> io::Result<Arc<Link>> {
        let (link, theirs) = Link::pair()?;
        let mut bytes = Vec::with_capacity(8);
        wire::encode(&Down::Fork, &mut bytes).map_err(io::Error::other)?;
        self.send_bytes(bytes, Some(theirs));
        Ok(link)
    }

    /// Ends the connection: the process sees its socket close.
    pub fn close(&self) {
        let mut outgoing = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        outgoing.closed = true;
        outgoing.segments.clear();
        // Fails only where the other end has gone already.
        let _ = nix::sys::socket::shutdown(
            self.fd.get_ref().as_raw_fd(),
            nix::sys::socket::Shutdown::Both,
        );
    }

    fn send_bytes(self: &Arc<Self>, bytes: Vec<u8>, descriptor: Option<OwnedFd>) {
        let mut outgoing = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        if outgoing.closed {
            return;
        }
        if outgoing.bytes + bytes.len() > OUTGOING_BYTES_MAX {
            drop(outgoing);
            self.close();
            return;
        }
        outgoing.bytes += bytes.len();
        outgoing.segments.push_back(Segment {
            bytes,
            written: 0,
            descriptor,
        });
        if outgoing.draining {
            return;
        }
        match self.write_some(&mut outgoing) {
            Ok(()) => {}
            Err(Errno::EAGAIN) => {
                outgoing.draining = true;
                let link = self.clone();
                tokio::spawn(async move { link.drain().await });
            }
            Err(_) => {
                outgoing.closed = true;
                outgoing.segments.clear();
            }
        }
    }

    fn write_some(&self, outgoing: &mut Outgoing) -> Result<(), Errno> {
        while let Some(segment) = outgoing.segments.front_mut() {
            let fd = self.fd.get_ref().as_raw_fd();
            let rest = [IoSlice::new(&segment.bytes[segment.written..])];
            let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
            let sent = match &segment.descriptor {
                None => sendmsg::<()>(fd, &rest, &[], flags, None),
                Some(descriptor) => {
                    let fds: [RawFd; 1] = [descriptor.as_raw_fd()];
                    sendmsg::<()>(fd, &rest, &[ControlMessage::ScmRights(&fds)], flags, None)
                }
            };
            match sent {
                Ok(count) => {
                    segment.written += count;
                    segment.descriptor = None;
                    if segment.written == segment.bytes.len() {
                        outgoing.bytes -= segment.bytes.len();
                        outgoing.segments.pop_front();
                    }
                }
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn drain(self: Arc<Self>) {
        loop {
            let Ok(mut ready) = self.fd.writable().await else {
                return;
            };
            let mut outgoing = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
            match self.write_some(&mut outgoing) {
                Ok(()) => {
                    outgoing.draining = false;
                    return;
                }
                Err(Errno::EAGAIN) => ready.clear_ready(),
                Err(_) => {
                    outgoing.closed = true;
                    outgoing.segments.clear();
                    return;
                }
            }
        }
    }
}

/// Reads the frames of a link, one after the other.
pub struct Frames {
    link: Arc<Link>,
    // Where what is read arrives first.
    arrival: Box<[u8]>,
    bytes: Vec<u8>,
    start: usize,
}

/// What all large frames may hold together.
static LARGE_FRAMES: Semaphore = Semaphore::const_new(LARGE_FRAMES_BYTES_MAX);

impl Frames {
    /// The reader of a link; there may be one.
    pub fn new(link: Arc<Link>) -> Self {
        let arrival = vec![0; READ_BYTES].into_boxed_slice();
        Self {
            link,
            arrival,
            bytes: Vec::new(),
            start: 0,
        }
    }

    /// The next frame.
    pub async fn next(&mut self) -> Result<Up, LinkError> {
        let mut permit = None;
        loop {
            let here = &self.bytes[self.start..];
            if let Some(length) = wire::frame_length(here)? {
                if let Some(body) = here.get(4..4 + length) {
                    let frame = wire::decode(body)?;
                    self.start += 4 + length;
                    if self.start == self.bytes.len() {
                        self.bytes.clear();
                        self.start = 0;
                        self.bytes.shrink_to(READ_BYTES);
                    }
                    return Ok(frame);
                }
                if length > LARGE_FRAME_BYTES && permit.is_none() {
                    let share = u32::try_from(length).unwrap_or(u32::MAX);
                    permit = LARGE_FRAMES.acquire_many(share).await.ok();
                }
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> Result<(), LinkError> {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        loop {
            let mut ready = self.link.fd.readable().await?;
            let received = nix::unistd::read(self.link.fd.get_ref(), &mut self.arrival);
            self.bytes
                .extend_from_slice(&self.arrival[..received.unwrap_or(0)]);
            match received {
                Ok(0) | Err(Errno::ECONNRESET) => return Err(LinkError::Closed),
                Ok(_) => return Ok(()),
                Err(Errno::EAGAIN) => ready.clear_ready(),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
    }
}
