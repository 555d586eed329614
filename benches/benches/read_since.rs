//! RDM: a page of what is later than a time, out of 10⁴ to 10⁶ messages, one a second.
//!
//! `engine` is `Engine::read_since_with`: session, right, search, borrowed messages. `bare` is the least that can be done: a
//! `partition_point` over a sorted vector of the same messages, and a slice of it. `old` is the way of the text files: read the log
//! line by line and parse the time of each.

use std::hint::black_box;
use std::num::NonZeroUsize;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use jiff::civil::DateTime;
use toom_benches::{SESSION, at, body, engine};
use toom_core::{
    Conversation, Engine, MemoryStorage, Message, MessageNumber, MessageRef, Reading, Row, Since, Timestamp,
};

/// The text of the old log for the message `number`.
fn old_line(number: u32) -> String {
    let time = jiff::Timestamp::from_microsecond(at(number).wall.unix_micros()).expect("2022");
    let time = time.to_zoned(jiff::tz::TimeZone::UTC).strftime("%d %b %Y %H:%M:%S").to_string();
    format!("{number}; {time}; user1; {}\n", body().as_str())
}

fn old_since(log: &str, since: DateTime, limit: usize) -> usize {
    let later = log.lines().filter_map(|line| {
        let mut fields = line.splitn(4, "; ");
        let time = DateTime::strptime("%d %b %Y %H:%M:%S", fields.nth(1)?).ok()?;
        (time > since).then(|| fields.nth(1).map_or(0, str::len))
    });
    later.take(limit).sum()
}

/// What a reader of a page does: looks at the number, the time, the author and the text of each message.
fn look_at(message: MessageRef<'_>) {
    black_box((message.number, message.at, message.author, message.body));
}

fn bare_since(log: &[Message], since: Timestamp, limit: usize) {
    let first = log.partition_point(|message| message.at <= since);
    log.iter().skip(first).take(limit).for_each(|message| look_at(message.view()));
}

fn engine_since(engine: &mut Engine<MemoryStorage>, since: Timestamp, limit: NonZeroUsize) {
    let reading = Reading::Conversation { conversation: Conversation::Broadcast, since: Since::Time(since) };
    let read = engine.read_since_with(SESSION, reading, limit, at(0), |row| {
        if let Row::Message(message) = row {
            look_at(message);
        }
    });
    assert!(read.is_ok(), "memory can be read");
}

fn read_since(criterion: &mut Criterion) {
    for size in [10_000, 100_000, 1_000_000] {
        let mut engine = engine();
        for number in 1..=size {
            let posted = engine.broadcast(SESSION, body(), None, at(number));
            assert!(posted.is_ok(), "memory takes it");
        }
        let author = toom_benches::user(1).expect("well-formed");
        let message = |number: u32| Message {
            conversation: Conversation::Broadcast,
            number: MessageNumber::new(number.into()).expect("from 1 on"),
            at: at(number).wall,
            author: author.clone(),
            body: body(),
        };
        let bare: Vec<_> = (1..=size).map(message).collect();
        let old: String = (1..=size).map(old_line).collect();

        for (place, since) in [("before all", 0), ("in the middle", size / 2), ("near the end", size - 1000)]
        {
            let mut group = criterion.benchmark_group(format!("read_since/{size}/{place}"));
            let civil = jiff::Timestamp::from_microsecond(at(since).wall.unix_micros()).expect("2022");
            let civil = civil.to_zoned(jiff::tz::TimeZone::UTC).datetime();
            let since = at(since).wall;
            for limit in [1, 100, 1000].map(|limit| NonZeroUsize::new(limit).expect("not zero")) {
                group.bench_with_input(BenchmarkId::new("engine", limit), &limit, |bencher, limit| {
                    bencher.iter(|| engine_since(&mut engine, black_box(since), *limit));
                });
                group.bench_with_input(BenchmarkId::new("bare", limit), &limit, |bencher, limit| {
                    bencher.iter(|| bare_since(&bare, black_box(since), limit.get()));
                });
            }
            // The scan costs the same whatever the page.
            group.sample_size(10).bench_function("old/100", |bencher| {
                bencher.iter(|| old_since(&old, black_box(civil), 100));
            });
            group.finish();
        }
    }
}

criterion_group!(benches, read_since);
criterion_main!(benches);
