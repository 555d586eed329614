//! A chat in one program: log in, say something, build a room, read what was missed.
//!
//! `cargo run -p toom-core --example embed`

#![expect(clippy::disallowed_methods, reason = "the clocks are the host's")]

use std::time::{Instant, SystemTime};

use toom_core::{
    Body, Config, Conversation, Engine, Epoch, MemoryStorage, Mono, Now, Password, Reading, Secret,
    SessionId, Since, Source, Timestamp,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let started = Instant::now();
    let now =
        || Now { wall: Timestamp::from_system_time(SystemTime::now()), mono: Mono::new(started.elapsed()) };

    let mut engine = Engine::open(MemoryStorage::new(Epoch::new(1)), Config::default())?;
    engine.put_account("obiwan".parse()?, Secret::plain("kenobi")?);
    engine.put_account("luke".parse()?, Secret::plain("skywalker")?);

    let (obiwan, luke, here) = (SessionId::new(1), SessionId::new(2), Source::new(0));
    let login = engine.authenticate(&"obiwan".parse()?, &Password::new("kenobi"), here, obiwan, now())?;
    let _ = engine.authenticate(&"luke".parse()?, &Password::new("skywalker"), here, luke, now())?;

    let said = engine.broadcast(obiwan, Body::parse("hello")?, None, now())?;
    println!("message #{}; to be carried out: {:?}", said.reply.number, said.effects);
    let room = engine.create_room(luke, &["obiwan".parse()?], None, now())?.reply;
    let _ = engine.post_room(luke, room.id, Body::parse("have a nice day")?, None, now())?;

    let since = Since::Time(login.reply.at);
    for conversation in [Conversation::Broadcast, Conversation::Room(room.id)] {
        let page = engine.read_since(
            obiwan,
            Reading::Conversation { conversation, since },
            100.try_into()?,
            now(),
        )?;
        page.messages()
            .for_each(|message| println!("#{} {}: {}", message.number, message.author, message.body));
    }
    Ok(())
}
