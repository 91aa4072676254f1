//! Frames: what it costs to put one together and to read it back, by what it carries.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

use town::limits::CHUNK_BYTES_MAX;
use town::storage::{ResultSet, SqlArguments, SqlValue, Statement};
use town::wire::{
    self, Answer, BodyDown, BodyUp, Call, Down, Header, RequestHead, Up, decode, frame_length,
};

/// Rows of a page's query.
const ROWS: i64 = 50;

fn request() -> Down {
    let head = RequestHead {
        method: "GET".into(),
        url: "http://alice--hello.localhost:8787/some/path?with=a&query=string".into(),
        headers: browser_headers(),
    };
    Down::Fetch {
        run: 0x1234_5678_9abc_def0,
        head,
        body: BodyDown::Empty,
        failure: None,
        revisions: vec![1, 2],
    }
}

fn response() -> Up {
    let body = BodyUp::Bytes(br#"{"message":"I work!"}"#.to_vec());
    let headers = vec![("content-type".into(), b"application/json".to_vec())];
    Up::Response {
        run: 0x1234_5678_9abc_def0,
        status: 200,
        headers,
        body,
        cpu_us: 150,
    }
}

fn statement() -> Up {
    let statement = Statement {
        sql: "SELECT id, name, created_at FROM item WHERE owner = :owner LIMIT :limit".into(),
        arguments: SqlArguments::Named(vec![
            (
                "owner".into(),
                SqlValue::Text("2df47701-7ad9-4f86-a3a5-231936df7dce".into()),
            ),
            ("limit".into(), SqlValue::Integer(ROWS)),
        ]),
    };
    let body = Call::StorageExecute {
        names: vec!["logs".into()],
        statement,
    };
    Up::Call {
        call: 7,
        run: 0x1234_5678_9abc_def0,
        body,
    }
}

fn rows() -> Down {
    let row = |number: i64| {
        let name = format!("an item with a name of ordinary length, number {number}");
        let at = SqlValue::Integer(1_763_769_823_331 + number);
        vec![SqlValue::Integer(number), SqlValue::Text(name), at]
    };
    let set = ResultSet {
        columns: ["id", "name", "created_at"].map(String::from).to_vec(),
        column_types: ["INTEGER", "TEXT", "INTEGER"].map(String::from).to_vec(),
        rows: (0..ROWS).map(row).collect(),
        ..ResultSet::default()
    };
    let answer = Answer::Rows {
        sets: vec![set],
        revision: 42,
    };
    Down::Answer {
        call: 7,
        result: Ok(answer),
    }
}

fn chunk() -> Down {
    Down::Chunk {
        stream: 3,
        bytes: vec![b'x'; CHUNK_BYTES_MAX],
    }
}

fn browser_headers() -> Vec<Header> {
    [
        ("host", "alice--hello.localhost:8787"),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        ),
        (
            "accept",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        ),
        ("accept-language", "en-US,en;q=0.5"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("upgrade-insecure-requests", "1"),
        ("sec-fetch-dest", "document"),
        ("sec-fetch-mode", "navigate"),
    ]
    .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
    .to_vec()
}

fn encoded<T: serde::Serialize>(frame: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::encode(frame, &mut bytes).expect("it is below the limit");
    bytes
}

fn both_ways<T>(criterion: &mut Criterion, name: &str, frame: &T)
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    let bytes = encoded(frame);
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("encode", |bencher| {
        let make = || Vec::with_capacity(bytes.len());
        bencher.iter_batched_ref(
            make,
            |out| wire::encode(black_box(frame), out).expect("it is below the limit"),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| {
            let length = frame_length(black_box(&bytes)).expect("it is a frame");
            let length = length.expect("all of it is here");
            let frame: T = decode(&bytes[4..4 + length]).expect("it is a frame");
            frame
        });
    });
    group.finish();
}

fn frames(criterion: &mut Criterion) {
    both_ways(criterion, "request", &request());
    both_ways(criterion, "response", &response());
    both_ways(criterion, "statement", &statement());
    both_ways(criterion, "rows", &rows());
    both_ways(criterion, "chunk", &chunk());
}

criterion_group!(benches, frames);
criterion_main!(benches);
