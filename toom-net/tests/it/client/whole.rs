//! The client library against the server of this crate.

use toom_core::{
    Body, Conversation, Epoch, IdempotencyKey, MemoryStorage, MessageNumber, Password, Secret, Timestamp,
    UserName,
};
use toom_net::client::{CallError, Client, Ended, Options, Page, Pushed, Pushes};
use toom_net::protocol::{ByeCode, Code, HistoryRow, Live, NameWord, PageLimit, RoomsSince, Since};
use toom_net::server::{RunningServer, Server};

pub(super) fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn body(text: &str) -> Body {
    Body::parse(text).unwrap()
}

fn server() -> RunningServer {
    let accounts =
        ["obiwan", "luke", "yoda"].map(|name| (user(name), Secret::plain("may the force").unwrap()));
    let listen = "127.0.0.1:0".parse().unwrap();
    Server::builder(MemoryStorage::new(Epoch::new(7))).accounts(accounts).listen(listen).start().unwrap()
}

async fn login(server: &RunningServer, name: &str, live: Live) -> (Client, Pushes) {
    let options = Options { live, ..Options::default() };
    let (client, pushes) = Client::connect(server.local_addr(), options).await.unwrap();
    let session = client.login(user(name), Password::new("may the force")).await.unwrap();
    assert_eq!(session.user.as_str(), name);
    (client, pushes)
}

/// The texts of `page` and of all that follow it.
async fn read_all(client: &Client, page: Page) -> Vec<String> {
    let (mut texts, mut page) = (Vec::new(), page);
    loop {
        for row in page.rows {
            let HistoryRow::Message(message) = row else { panic!("nothing is gone: {row:?}") };
            texts.push(message.body.as_str().to_owned());
        }
        let Some(next) = page.next else { return texts };
        page = client.read_on(next).await.unwrap();
    }
}

fn refusal(error: CallError) -> Code {
    let CallError::Refused(failure) = error else { panic!("{error:?}") };
    failure.code
}

#[tokio::test]
async fn two_clients_log_in_are_pushed_what_the_other_does_read_it_in_pages_and_log_out() {
    let server = server();
    let (obiwan, mut to_obiwan) = login(&server, "obiwan", Live::On).await;
    let (luke, mut to_luke) = login(&server, "luke", Live::On).await;
    assert_eq!(obiwan.greeting().epoch, Epoch::new(7));
    assert_eq!(obiwan.active_users().await.unwrap()[0].user.as_str(), "luke");

    let receipt = obiwan.broadcast(body("hello\nthere")).await.unwrap();
    let Some(Pushed::Message(pushed)) = to_luke.next().await else { panic!("nothing was pushed") };
    assert_eq!((pushed.number, pushed.at), (receipt.number, receipt.at));
    assert_eq!((pushed.author.as_str(), pushed.body.as_str()), ("obiwan", "hello\nthere"));

    let names = [NameWord::parse("luke").unwrap()];
    let built = obiwan.create_room(&names).await.unwrap();
    let members = ["obiwan", "luke"].map(|name| NameWord::parse(name).unwrap());
    assert_eq!(built.members, members);
    let room = built.room;
    assert_eq!(to_luke.next().await, Some(Pushed::Room { room, members: members.to_vec() }));
    assert_eq!(refusal(luke.create_room(&members[..1]).await.unwrap_err()), Code::RoomExists(room));
    for n in 1..=5 {
        luke.post_room(room, body(&n.to_string())).await.unwrap();
        let Some(Pushed::Message(pushed)) = to_obiwan.next().await else { panic!("nothing was pushed") };
        assert_eq!((pushed.conversation, pushed.number.get()), (Conversation::Room(room), n));
    }

    let limit = PageLimit::new(2).unwrap();
    let since = Since::Number(MessageNumber::new(1));
    let page = obiwan.read_since(Conversation::Room(room), since, limit).await.unwrap();
    assert_eq!(page.rows.len(), 2);
    assert_eq!(read_all(&obiwan, page).await, ["2", "3", "4", "5"]);
    let page = obiwan.read_rooms_since(RoomsSince::Time(Timestamp::MIN), limit).await.unwrap();
    assert_eq!(read_all(&obiwan, page).await, ["1", "2", "3", "4", "5"]);
    let page = luke.read_since(Conversation::Broadcast, Since::Time(receipt.at), limit).await.unwrap();
    assert_eq!(read_all(&luke, page).await, [""; 0]);

    obiwan.ping().await.unwrap();
    assert!(!obiwan.help().await.unwrap().is_empty());
    assert_eq!(obiwan.logout().await.unwrap().unwrap().as_str(), "obiwan");
    assert_eq!(to_obiwan.next().await, None);
    assert_eq!(luke.active_users().await.unwrap(), []);
    server.handle().stop();
    assert!(matches!(to_luke.next().await, Some(Pushed::Bye(bye)) if bye.code == ByeCode::Shutdown));
    assert_eq!(to_luke.next().await, None);
    let lost = luke.ping().await.unwrap_err();
    assert!(matches!(lost, CallError::Ended(Ended::Lost { bye: Some(_), .. })), "{lost:?}");
    server.wait().unwrap();
}

#[tokio::test]
async fn refusals_leave_the_connection_of_use() {
    let server = server();
    let (client, _pushes) = Client::connect(server.local_addr(), Options::default()).await.unwrap();
    assert_eq!(refusal(client.broadcast(body("hello")).await.unwrap_err()), Code::NotLoggedIn);
    let wrong = client.login(user("obiwan"), Password::new("who knows")).await.unwrap_err();
    assert_eq!(refusal(wrong), Code::BadCredentials);
    client.login(user("obiwan"), Password::new("may the force")).await.unwrap();
    let again = client.login(user("obiwan"), Password::new("may the force")).await.unwrap_err();
    assert_eq!(refusal(again), Code::AlreadyLoggedIn);
    let [nobody, yoda, strange] = ["nobody", "yoda", "a@b"].map(|name| NameWord::parse(name).unwrap());
    let unknown = client.create_room(std::slice::from_ref(&nobody)).await.unwrap_err();
    assert_eq!(refusal(unknown), Code::UnknownUser(nobody));
    let inactive = client.create_room(std::slice::from_ref(&yoda)).await.unwrap_err();
    assert_eq!(refusal(inactive), Code::InactiveUser(yoda));
    let unnamed = client.create_room(std::slice::from_ref(&strange)).await.unwrap_err();
    assert!(matches!(refusal(unnamed), Code::UnknownUser(_)));
    assert_eq!(refusal(client.create_room(&[]).await.unwrap_err()), Code::Syntax);
    let no_room = client.post_room(toom_core::RoomId::FIRST, body("x")).await.unwrap_err();
    assert_eq!(refusal(no_room), Code::NoRoom);
    client.ping().await.unwrap();
    server.shut_down().unwrap();
}

#[tokio::test]
async fn a_request_with_a_key_is_served_once_also_on_another_connection() {
    let server = server();
    let (first, _) = login(&server, "obiwan", Live::Off).await;
    let key: IdempotencyKey = first.new_key();
    let receipt = first.broadcast_once(key.clone(), body("once")).await.unwrap();
    drop(first);
    let (second, _) = login(&server, "obiwan", Live::Off).await;
    assert_ne!(second.new_key(), key);
    assert_eq!(second.broadcast_once(key.clone(), body("once")).await.unwrap(), receipt);
    let other = second.broadcast_once(key, body("twice")).await.unwrap_err();
    assert_eq!(refusal(other), Code::KeyReused);
    assert_eq!(second.broadcast(body("next")).await.unwrap().number.get(), 2);
    server.shut_down().unwrap();
}

/// What a reader sees who takes nothing until all is over: the numbers in order, each once, some as messages and some within a lag.
#[tokio::test]
async fn a_client_that_does_not_take_what_is_pushed_is_told_every_number_it_missed() {
    const POSTS: u64 = 600;
    let server = server();
    let (obiwan, _to_obiwan) = login(&server, "obiwan", Live::Off).await;
    let (luke, mut to_luke) = login(&server, "luke", Live::On).await;
    let text = "x".repeat(4000);
    let posts: Vec<_> = (0..POSTS)
        .map(|_| {
            let (client, body) = (obiwan.clone(), body(&text));
            tokio::spawn(async move { client.broadcast(body).await })
        })
        .collect();
    for post in posts {
        post.await.unwrap().unwrap();
    }
    let (mut seen, mut lagged) = (0, 0);
    let mut take = |event| {
        let (first, last) = match event {
            Pushed::Message(message) => (message.number.get(), message.number.get()),
            Pushed::Lag { first, last, .. } => {
                lagged += 1;
                (first.get(), last.get())
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(first, seen + 1);
        seen = last;
        seen == POSTS
    };
    // A call is answered although nothing was taken.
    luke.ping().await.unwrap();
    while !take(to_luke.next().await.unwrap()) {}
    assert!(lagged > 0, "600 messages of 4,000 bytes do not fit 1 MiB");
    server.shut_down().unwrap();
}
