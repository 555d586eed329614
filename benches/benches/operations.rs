//! What an operation costs in memory: broadcast, post to a room, one by one and in batches, and login with plain passwords.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use toom_benches::{SESSION, at, body, engine, secret, user};
use toom_core::{Engine, MemoryStorage, Password, RoomId, SessionId, Source};

/// An engine with a second user, and a room of both.
fn engine_with_room() -> (Engine<MemoryStorage>, RoomId) {
    let mut engine = engine();
    let other = user(2).expect("well-formed");
    engine.put_account(other.clone(), secret().expect("well-formed"));
    let (session, source) = (SessionId::new(2), Source::new(2));
    let login = engine.authenticate(&other, &Password::new("a password"), source, session, at(0));
    assert!(login.is_ok(), "the password is right");
    let room = engine.create_room(SESSION, &[other], None, at(0)).expect("both are active");
    (engine, room.reply.id)
}

fn posts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("post");
    group.throughput(Throughput::Elements(1));
    group.bench_function("broadcast", |bencher| {
        let (mut engine, body) = (engine(), body());
        bencher.iter(|| engine.broadcast(SESSION, body.clone(), None, at(1)));
    });
    group.bench_function("room", |bencher| {
        let ((mut engine, room), body) = (engine_with_room(), body());
        bencher.iter(|| engine.post_room(SESSION, room, body.clone(), None, at(1)));
    });
    group.throughput(Throughput::Elements(64));
    group.bench_function("64 broadcasts in a batch", |bencher| {
        let (mut engine, body) = (engine(), body());
        bencher.iter(|| {
            let mut batch = engine.batch();
            for _ in 0..64 {
                batch.broadcast(SESSION, body.clone(), None, at(1));
            }
            batch.commit()
        });
    });
    group.finish();
}

fn logins(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("login");
    for accounts in [100_u32, 10_000] {
        group.throughput(Throughput::Elements(accounts.into()));
        let names: Vec<_> = (1..=accounts).map(|number| user(number).expect("well-formed")).collect();
        group.bench_function(format!("{accounts} users, plain passwords"), |bencher| {
            let fresh = || {
                let mut engine = engine();
                for name in &names {
                    engine.put_account(name.clone(), secret().expect("well-formed"));
                }
                engine
            };
            let log_in_all = |mut engine: Engine<MemoryStorage>| {
                for (name, id) in names.iter().zip(10..) {
                    let password = Password::new("a password");
                    let login =
                        engine.authenticate(name, &password, Source::new(1), SessionId::new(id), at(1));
                    assert!(login.is_ok(), "the password is right");
                }
                engine
            };
            bencher.iter_batched(fresh, log_in_all, BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, posts, logins);
criterion_main!(benches);
