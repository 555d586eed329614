//! What may happen on either side of an exchange, and what holds after it.

use super::*;

/// Something that happens on either side. Between two of these, so many lines are brought.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Own(Conversation),
    Other(Conversation),
    /// Another's message is pushed before the next own post is answered.
    Overtaking(Conversation),
    Lag,
    TellLag,
    Lines(usize),
}

/// Plays the steps, and brings everything to rest. Tells how many posts were its own.
pub(super) fn play(world: &mut World, steps: &[Step]) -> usize {
    let mut own = 0;
    for (at, step) in steps.iter().enumerate() {
        let text = format!("message {at}");
        match step {
            Step::Own(conversation) => {
                world.own(*conversation, &text);
                own += 1;
            }
            Step::Other(conversation) => drop(world.server.post(*conversation, "luke", &text)),
            Step::Overtaking(conversation) => world.server.overtaking = Some((*conversation, text)),
            Step::Lag => world.server.lag(),
            Step::TellLag => world.server.tell_lag(),
            Step::Lines(lines) => (0..*lines).for_each(|_| {
                world.step();
                world.take();
            }),
        }
    }
    world.server.tell_lag();
    world.flow();
    own
}

/// The laws: each message came out once, those of others in order; each own post was stored once, and answered once.
pub(super) fn check(world: &World, own: usize) {
    assert!(world.visit.ended().is_none(), "{:?}", world.visit.ended());
    assert_eq!(world.visit.pending(), 0);
    let numbers = world.numbers();
    let mut stored_own = 0;
    for (conversation, posted) in &world.server.posted {
        let seen = numbers.get(conversation).cloned().unwrap_or_default();
        let others: Vec<_> = seen.iter().filter(|(_, whose)| *whose == Whose::Others).collect();
        assert!(others.is_sorted(), "{conversation:?}: {seen:?}");
        let mut all = seen.clone();
        all.sort_unstable();
        let mut expected = Vec::new();
        let mut bodies = BTreeMap::new();
        for (number, message) in (1..).zip(posted) {
            let whose = if message.author == server::ME { Whose::Own } else { Whose::Others };
            expected.push((number, whose));
            assert_eq!(bodies.insert(&message.body, number), None, "stored twice");
            stored_own += usize::from(whose == Whose::Own);
        }
        assert_eq!(all, expected, "{conversation:?}");
    }
    assert_eq!(stored_own, own);
    let answers = world.seen.iter().filter(|seen| matches!(seen, VisitEvent::Answered { .. })).count();
    assert_eq!(answers, own);
}
