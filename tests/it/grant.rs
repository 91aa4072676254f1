//! Properties of what the kernel relies on: a grant is never widened, and no bytes from a process
//! upset the reader of frames.

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use town::grant::{Grant, GrantRequest, LoaderRequest, OutboundRequest};
use town::limits::{FRAME_BYTES_MAX, Limits, LimitsRequest};
use town::storage::{Namespace, Stores, StoresOptions};
use town::wire::{
    self, BodyUp, Call, CallError, Down, Failure, Level, Outcome, RequestHead, Target, Up,
};

/// Names of mounts: few, so that they meet those of databases.
const MOUNTS: [&str; 2] = ["a", "mounted"];

/// Names that grants, hosts and requests are made of: few, so that they meet.
const HOSTS: [&str; 9] = [
    "example.com",
    "a.example.com",
    "b.a.example.com",
    "evilexample.com",
    "EXAMPLE.com",
    "example.com.evil.net",
    "127.0.0.1",
    "localhost",
    "com",
];

fn root() -> (TempDir, Namespace) {
    let folder = TempDir::new().expect("a temporary folder");
    let options = StoresOptions {
        bytes_max: Some(1 << 30),
    };
    let stores = Stores::open(folder.path(), &options).expect("a new store opens");
    let namespace = stores.root();
    (folder, namespace)
}

fn number<T: std::fmt::Debug + Clone + 'static>(
    all: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Option<T>> {
    proptest::option::of(all)
}

prop_compose! {
    fn limits_request()(
        deadline_ms in number(any::<u64>()),
        cpu_ms in number(0u64..100_000),
        stall_ms in number(any::<u64>()),
        memory_mb in number(0u64..10_000),
        body_bytes in number(any::<u64>()),
        log_bytes in number(any::<u64>()),
        requests_open in number(any::<u32>()),
        isolates in number(any::<u32>()),
        storage_bytes in number(any::<u64>()),
    ) -> LimitsRequest {
        LimitsRequest {
            deadline_ms, cpu_ms, stall_ms, memory_mb, body_bytes, log_bytes, requests_open,
            isolates, storage_bytes,
        }
    }
}

fn pattern() -> impl Strategy<Value = String> {
    let host = proptest::sample::select(&HOSTS[..]);
    (host, any::<bool>()).prop_map(|(host, below)| {
        if below {
            format!("*.{host}")
        } else {
            host.to_string()
        }
    })
}

fn name() -> impl Strategy<Value = String> {
    let names = &["a", "b", "mounted", "..", "/", ""][..];
    proptest::sample::select(names).prop_map(str::to_string)
}

fn mount() -> impl Strategy<Value = String> {
    proptest::sample::select(&MOUNTS[..]).prop_map(str::to_string)
}

/// Whether a grant has that database or one above it.
fn reaches(grant: &Grant, namespace: &Namespace) -> bool {
    let mounts = MOUNTS.iter().filter_map(|name| grant.mount(name));
    let mut had = grant.storage().into_iter().chain(mounts);
    had.any(|had| namespace.path().starts_with(had.path()))
}

prop_compose! {
    fn request()(
        storage in proptest::option::of(vec(name(), 0..3)),
        mounts in vec((mount(), vec(name(), 0..3)), 0..3),
        depth in proptest::option::of(proptest::option::of(0u8..20)),
        outbound in proptest::option::of((proptest::option::of(vec(pattern(), 0..3)), any::<bool>())),
        limits in limits_request(),
    ) -> GrantRequest {
        GrantRequest {
            storage,
            mounts,
            loader: depth.map(|depth| LoaderRequest { depth }),
            outbound: outbound.map(|(hosts, private)| OutboundRequest { hosts, private }),
            limits,
        }
    }
}

fn within(child: &Limits, parent: &Limits) -> bool {
    child.deadline_ms <= parent.deadline_ms
        && child.cpu_ms <= parent.cpu_ms
        && child.stall_ms <= parent.stall_ms
        && child.memory_mb <= parent.memory_mb
        && child.body_bytes <= parent.body_bytes
        && child.log_bytes <= parent.log_bytes
        && child.requests_open <= parent.requests_open
        && child.isolates <= parent.isolates
        && child.storage_bytes <= parent.storage_bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_grant_is_never_widened(
        private in any::<bool>(),
        depth in 0u8..6,
        requests in vec(request(), 1..8),
    ) {
        let (_folder, namespace) = root();
        let mut grant = Grant::root(namespace, depth, private, Limits::default());
        for request in &requests {
            let Ok(child) = grant.attenuate(request) else {
                // Only a loader with a level left may start anything at all.
                continue;
            };
            prop_assert!(grant.depth().is_some_and(|depth| depth > 0));
            if let Some(depth) = child.depth() {
                prop_assert!(Some(depth) < grant.depth());
                prop_assert!(request.loader.is_some());
            }
            prop_assert!(within(child.limits(), grant.limits()));
            if let Some(storage) = child.storage() {
                prop_assert!(reaches(&grant, storage));
                let asked = request.storage.as_ref().expect("what is omitted is lacking");
                prop_assert!(storage.path().ends_with(asked.get(1..).unwrap_or_default()));
            }
            for name in MOUNTS {
                let Some(mount) = child.mount(name) else { continue };
                prop_assert!(reaches(&grant, mount));
                prop_assert!(request.mounts.iter().any(|asked| asked.0 == name));
                let seen = child.namespace(&[name.to_string()]).expect("it is mounted");
                prop_assert_eq!(seen.path(), mount.path());
            }
            if let Some(outbound) = child.outbound() {
                let own = grant.outbound().expect("only what one has can be handed on");
                let asked = request.outbound.as_ref().expect("what is omitted is lacking");
                prop_assert!(!outbound.allows_private() || own.allows_private() && asked.private);
                for host in HOSTS {
                    prop_assert!(!outbound.allows_host(host) || own.allows_host(host), "{}", host);
                }
            }
            grant = child;
        }
    }

    #[test]
    fn a_pattern_reaches_only_names_below_its_own(label in "[a-z0-9.-]{0,12}") {
        let (_folder, namespace) = root();
        let grant = Grant::root(namespace, 3, false, Limits::default());
        let hosts = Some(vec!["*.example.com".to_string()]);
        let outbound = Some(OutboundRequest { hosts, private: true });
        let child = grant.attenuate(&GrantRequest { outbound, ..GrantRequest::default() });
        let child = child.expect("the root may start programs");
        let outbound = child.outbound().expect("it was asked for");
        let beside = format!("{label}example.com");
        prop_assert_eq!(outbound.allows_host(&beside), label.ends_with('.') && label.len() > 1);
        let beyond = format!("a.example.com{label}");
        prop_assert_eq!(outbound.allows_host(&beyond), label.is_empty());
    }

    #[test]
    fn no_bytes_upset_the_reader_of_frames(bytes in vec(any::<u8>(), 0..600)) {
        let _ = wire::decode::<Up>(&bytes);
        let _ = wire::decode::<Down>(&bytes);
        if let Ok(Some(length)) = wire::frame_length(&bytes) {
            prop_assert!(length <= FRAME_BYTES_MAX);
        }
    }

    #[test]
    fn a_frame_that_was_changed_or_cut_upsets_nobody(
        frame in up(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = Vec::new();
        wire::encode(&frame, &mut bytes).expect("it is short");
        let body = &mut bytes[4..];
        for end in 0..body.len() {
            let _ = wire::decode::<Up>(&body[..end]);
        }
        let index = at.index(body.len());
        body[index] = byte;
        let _ = wire::decode::<Up>(body);
    }

    #[test]
    fn frames_come_back_as_they_were(frames in vec(up(), 1..5)) {
        let mut bytes = Vec::new();
        for frame in &frames {
            wire::encode(frame, &mut bytes).expect("it is short");
        }
        let mut rest = &bytes[..];
        for frame in &frames {
            let length = wire::frame_length(rest).expect("a length").expect("a whole header");
            let read: Up = wire::decode(&rest[4..4 + length]).expect("a frame");
            // What they hold has no equality of its own; how it is shown shows all of it.
            prop_assert_eq!(format!("{read:?}"), format!("{frame:?}"));
            rest = &rest[4 + length..];
        }
        prop_assert!(rest.is_empty());
    }
}

fn up() -> impl Strategy<Value = Up> {
    let bytes = || vec(any::<u8>(), 0..100);
    let header = ("[a-z-]{1,12}", vec(any::<u8>(), 0..20));
    let body = prop_oneof![
        Just(0u32).prop_map(|_| BodyUp::Empty),
        bytes().prop_map(BodyUp::Bytes),
        (any::<u32>(), any::<Option<u64>>())
            .prop_map(|(stream, length)| BodyUp::Stream { stream, length }),
        any::<u32>().prop_map(BodyUp::Join),
    ];
    let head =
        ("[A-Z]{3,6}", ".{0,40}", vec(header.clone(), 0..3)).prop_map(|(method, url, headers)| {
            RequestHead {
                method,
                url,
                headers,
            }
        });
    let response = (any::<u64>(), any::<u16>(), vec(header, 0..3), body);
    prop_oneof![
        response.prop_map(|(run, status, headers, body)| Up::Response {
            run,
            status,
            headers,
            body,
            cpu_us: run,
        }),
        (any::<u32>(), any::<u64>(), head, ".{0,20}").prop_map(|(call, run, head, id)| Up::Call {
            call,
            run,
            body: Call::IsolateFetch {
                target: Target::Id(id),
                head,
                body: BodyUp::Empty,
                forward: Box::default(),
            },
        }),
        (any::<u32>(), bytes()).prop_map(|(stream, bytes)| Up::Chunk { stream, bytes }),
        (any::<u64>(), ".{0,60}").prop_map(|(run, text)| Up::Line {
            run,
            level: Level::Warn,
            text
        }),
        (any::<u64>(), ".{0,60}", any::<u64>()).prop_map(|(run, message, value)| Up::Failed {
            run,
            failure: Failure::limit(Outcome::Cpu, "cpuMs", value, message),
            cpu_us: 0,
        }),
        vec(".{0,10}", 0..4).prop_map(|names| Up::Track { names }),
    ]
}

#[test]
fn a_frame_over_the_limit_is_refused_before_it_is_read() {
    let header = u32::try_from(FRAME_BYTES_MAX + 1)
        .expect("it fits")
        .to_le_bytes();
    assert!(wire::frame_length(&header).is_err());
    let mut out = b"before".to_vec();
    let frame = Up::Chunk {
        stream: 1,
        bytes: vec![0; FRAME_BYTES_MAX + 1],
    };
    assert!(wire::encode(&frame, &mut out).is_err());
    assert_eq!(out, b"before", "nothing of it is left");
}

#[test]
fn a_list_that_claims_to_be_long_takes_no_memory() {
    // `Up::Track` with 2^60 names, of which none follows.
    let mut bytes = Vec::new();
    wire::encode(&Up::Track { names: Vec::new() }, &mut bytes).expect("it is short");
    let mut body = bytes[4..].to_vec();
    assert_eq!(body.pop(), Some(0), "the length of the list is last");
    body.extend([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]);
    assert!(wire::decode::<Up>(&body).is_err());
}

#[test]
fn a_refusal_keeps_its_words() {
    let error = CallError::Refused("no".into());
    let frame = Down::Answer {
        call: 7,
        result: Err(error),
    };
    let mut bytes = Vec::new();
    wire::encode(&frame, &mut bytes).expect("it is short");
    let read: Down = wire::decode(&bytes[4..]).expect("a frame");
    assert_eq!(format!("{read:?}"), format!("{frame:?}"));
}
