//! A clock set back, set forward, and a quiet day.

use ledger::clock::{Clock, Hands};
use ledger::failure::Failure;
use ledger::lead;
use ledger::outbox::{Outbox, Parcel};
use ledger::sequencer::{HEARTBEAT_SECONDS, Halted, Sequencer};
use ledger::submit;
use ledger::writer::Writer;
use schemas::entry::Entry;
use schemas::time::Timestamp;

use crate::common::{World, arrival, at, one, probe, stands};

const DAY: i64 = 86_400;

fn received_at(writer: &Writer, position: u64) -> Timestamp {
    Entry::parse(&writer.store().entry(position).unwrap().unwrap()).unwrap().received_at
}

#[test]
fn a_clock_set_back_makes_time_stand_still() {
    let (_world, writer) = World::new(1);
    let hands = Hands::at(at(1_000));
    let (sequencer, running) = Sequencer::start(writer, Clock::Hands(hands)).unwrap();
    let mut positions = Vec::new();
    for (number, seconds) in [(1, 1_000), (2, -3 * DAY), (3, 999), (4, 1_001)] {
        hands.set(at(seconds));
        let reply = one(&sequencer, arrival(0, number)).unwrap();
        positions.push(stands(&reply).unwrap().0);
    }
    sequencer.stop();
    let writer = running.join().unwrap();
    let times: Vec<Timestamp> = positions.into_iter().map(|position| received_at(&writer, position)).collect();
    assert_eq!(times, [at(1_000), at(1_000), at(1_000), at(1_001)]);
}

#[test]
fn a_lead_of_more_than_a_day_stops_the_writer_until_it_is_confirmed() {
    let (world, writer) = World::new(1);
    let hands = Hands::at(at(DAY));
    let (sequencer, running) = Sequencer::start(writer, Clock::Hands(hands)).unwrap();
    assert!(stands(&one(&sequencer, arrival(0, 1)).unwrap()).is_ok(), "a day is nothing unusual");
    hands.set(at(2 * DAY + 1));
    let Err(Halted::Stopped { why: Some(why) }) = one(&sequencer, arrival(0, 2)) else { panic!("it went on") };
    for part in ["2025-03-05T08:00:01Z", "2025-03-04T08:00:00Z", "ledger clock confirm", "Nothing was recorded"] {
        assert!(why.contains(part), "{why:?} lacks {part:?}");
    }
    assert!(matches!(running.join(), Err(Failure::ClockAhead { .. })));

    let open = || Writer::open(&world.home, &probe()).unwrap();
    // It does not start again either, and no command records anything; reading goes on.
    assert!(matches!(Sequencer::start(open(), Clock::Hands(hands)), Err(Failure::ClockAhead { .. })));
    let parcel = |number| {
        let delivery = arrival(0, number);
        let note = String::from_utf8(delivery.note).unwrap();
        Parcel {
            note,
            opening: delivery.opening,
            received_at: None,
            source: format!("cso-0/visit.attempted/r{number}"),
        }
    };
    let receipts = Outbox::open(&world.home.outbox()).unwrap().receipts();
    let submit = |writer: &mut Writer, number| {
        submit::submit(writer, vec![parcel(number)], &receipts, Clock::Hands(hands), &mut |_, _| {})
    };
    let mut writer = open();
    assert!(matches!(submit(&mut writer, 2), Err(Failure::ClockAhead { .. })));
    lead::confirm(&world.home, at(2 * DAY + 1)).unwrap();
    assert_eq!(submit(&mut writer, 2).unwrap().accepted, 1);
    let (sequencer, running) = Sequencer::start(writer, Clock::Hands(hands)).unwrap();
    assert!(stands(&one(&sequencer, arrival(0, 3)).unwrap()).is_ok());
    // The word held for that day alone.
    hands.set(at(9 * DAY));
    assert!(matches!(one(&sequencer, arrival(0, 4)), Err(Halted::Stopped { why: Some(_) })));
    assert!(matches!(running.join(), Err(Failure::ClockAhead { .. })));
}

#[tokio::test]
async fn a_quiet_day_gets_its_seal() {
    let (_world, writer) = World::new(0);
    let size = writer.log().size();
    let hands = Hands::at(at(60));
    let (sequencer, running) = Sequencer::start(writer, Clock::Hands(hands)).unwrap();
    let mut watch = sequencer.watch();
    assert_eq!(watch.borrow_and_update().size, size);
    hands.set(at(HEARTBEAT_SECONDS));
    watch.changed().await.unwrap();
    assert_eq!(watch.borrow_and_update().size, size + 1, "one seal, and nothing else");
    sequencer.stop();
    let writer = tokio::task::spawn_blocking(move || running.join()).await.unwrap().unwrap();
    assert_eq!(writer.log().last_received(), Some(at(HEARTBEAT_SECONDS)));
}

#[test]
fn a_jump_while_it_runs_suspends_it_until_the_clock_is_right_or_confirmed() {
    let (world, writer) = World::new(1);
    let hands = Hands::at(at(1_000));
    let (sequencer, running) = Sequencer::start(writer, Clock::Hands(hands)).unwrap();
    assert!(stands(&one(&sequencer, arrival(0, 1)).unwrap()).is_ok());
    hands.jump(at(1_400));
    let Err(Halted::Suspended { why }) = one(&sequencer, arrival(0, 2)) else { panic!("it went on") };
    for part in ["2025-03-03T08:23:20Z", "2025-03-03T08:16:40Z", "ledger clock confirm", "Nothing was recorded"] {
        assert!(why.contains(part), "{why:?} lacks {part:?}");
    }
    // Set right, it goes on by itself; confirmed, it goes on from there.
    hands.jump(at(1_001));
    let reply = std::iter::repeat_with(|| one(&sequencer, arrival(0, 2))).find_map(Result::ok).unwrap();
    assert!(stands(&reply).is_ok());
    hands.jump(at(2_000));
    assert!(matches!(one(&sequencer, arrival(0, 3)), Err(Halted::Suspended { .. })));
    lead::confirm(&world.home, at(2_000)).unwrap();
    let reply = std::iter::repeat_with(|| one(&sequencer, arrival(0, 3))).find_map(Result::ok).unwrap();
    let position = stands(&reply).unwrap().0;
    sequencer.stop();
    assert_eq!(received_at(&running.join().unwrap(), position), at(2_000));
}
