//! A short session, played: what was typed, and what the server said to it.

use std::io;
use std::time::SystemTime;

use toom_core::{Body, Timestamp};
use toom_net::client::{CallError, Client};
use toom_net::protocol::PageLimit;

use super::{FRIENDS, House, USER, failed};
use crate::files::{Door, Files};
use crate::filter::write_line;
use crate::paint::Paint;
use crate::render;
use crate::session::{Session, Step};
use crate::stop::{Stop, Verdict};
use crate::voice::{Form, Voice};
use crate::zone::Zone;

/// The UDP port that the user gives. Nothing listens there.
const UDP_PORT: u16 = 2000;

/// Plays the session into `out`.
///
/// # Errors
/// [`Stop`] where it is cut short.
pub(super) async fn play(house: &House, zone: Zone, out: &mut impl io::Write) -> Result<Verdict, Stop> {
    let now = Timestamp::from_system_time(SystemTime::now());
    let yesterday = zone.write(zone.yesterday(now).unwrap_or(Timestamp::MIN));

    // Before the curtain rises: the user was here once, then the others came.
    let (earlier, _) = house.enter(USER, None).await?;
    broadcast(&earlier.client, "hello").await?;
    earlier.client.logout().await.map_err(failed)?;
    let mut friends = Vec::new();
    for name in FRIENDS {
        friends.push(house.enter(name, None).await?);
    }
    let Some((first, logged_in)) = friends.first() else { return Ok(Verdict::Done) };
    let came = zone.write(logged_in.at);
    broadcast(&first.client, "hello").await?;

    let (me, logged_in) = house.enter(USER, Some(UDP_PORT)).await?;
    let name = format!("{}{USER}", render::USER_PROMPT);
    let session = render::session(&logged_in, &zone);
    for line in [&name, render::PASSWORD_PROMPT, &session, render::WELCOME, render::COMMANDS_PROMPT] {
        write_line(out, line).map_err(Stop::Output)?;
    }
    let voice = Voice { form: Form::Lines, zone, paint: Paint::none() };
    let (files, _news) = Files::new(me.client.clone(), Door::closed());
    let mut session = Session::new(me.client, voice, PageLimit::default(), files);
    let typed = [
        "BCM hello".to_owned(),
        "ATU".to_owned(),
        "SRB luke".to_owned(),
        "SRM 1 have a nice day".to_owned(),
        format!("RDM s {came}"),
        format!("RDM b {yesterday}"),
        "OUT".to_owned(),
    ];
    let mut verdict = Verdict::Done;
    for line in typed {
        write_line(out, &line).map_err(Stop::Output)?;
        if let Step::On(next) = session.carry_out(&line, out).await? {
            verdict = verdict.and(next);
        }
    }
    Ok(verdict)
}

async fn broadcast(client: &Client, text: &str) -> Result<(), Stop> {
    let body = Body::parse(text).map_err(failed)?;
    match client.broadcast(body).await {
        Ok(_) => Ok(()),
        Err(CallError::Ended(ended)) => Err(ended.into()),
        Err(error) => Err(failed(error)),
    }
}
