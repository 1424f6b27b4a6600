//! Configuration of nats-server, as it is printed for the operator. A test runs a server with it.

use schemas::batch::Names;
use schemas::note::Origin;

/// For streams that keep what they acknowledged.
pub const JETSTREAM: &str = r#"  jetstream { store_dir: "/var/lib/nats", sync_interval: always, strict: true }
and the ledger's account  jetstream: enabled
(`ledger nats setup --print` writes all of it)"#;

/// For messages that hold a batch.
pub const PAYLOAD: &str = "  max_payload: 8MB";

/// For the one question that only the system account answers.
pub const ASKING: &str = r#"  accounts {
    SYS: {
      exports: [ { service: "$SYS.REQ.SERVER.PING.JSZ", response_type: stream, accounts: [LEDGER] } ]
    }
    LEDGER: {
      jetstream: enabled
      imports: [ { service: { account: SYS, subject: "$SYS.REQ.SERVER.PING.JSZ" } } ]
    }
  }
  system_account: SYS
where LEDGER is the account that the ledger signs in to, and its user may publish to $SYS.REQ.SERVER.PING.JSZ
(`ledger nats setup --print` writes all of it)"#;

/// What can be done about a setting of a stream.
pub fn remake(setting: &str) -> String {
    match setting {
        "num_replicas" => "Edit the stream, or say so in [nats] replicas: one server alone can keep 1 only".to_owned(),
        "duplicate_window" => "Edit the stream, or say so in [nats] duplicate_window_seconds".to_owned(),
        _ => "Remove the stream, after a look at who made it so, and make it with `ledger nats setup`".to_owned(),
    }
}

/// The configuration of the servers for one ledger: accounts, users and what each may do.
pub fn server(origin: &Origin) -> String {
    let names = Names::of(origin);
    let (id, stream, seen_stream) = (names.id(), names.stream(), names.seen_stream());
    let (commit, seen, submit) = (names.commit(), names.seen(), names.submit());
    format!(
        r#"# nats-server 2.14 or newer, for the ledger {origin}.
# Put each $... of the users into the environment of the server, as bcrypt hashes: `nats server passwd` makes them.
# For three servers add server_name, cluster {{ name, listen, routes }} and TLS to each, in three places.
listen: "127.0.0.1:4222"
max_payload: 8MB
jetstream {{ store_dir: "/var/lib/nats", sync_interval: always, strict: true }}
system_account: SYS
accounts {{
  SYS: {{
    users: [ {{ user: admin, password: $NATS_ADMIN }} ]
    # The ledger asks each server whether it flushes before it acknowledges.
    exports: [ {{ service: "$SYS.REQ.SERVER.PING.JSZ", response_type: stream, accounts: [LEDGER_{id}] }} ]
  }}
  LEDGER_{id}: {{
    jetstream: enabled
    imports: [ {{ service: {{ account: SYS, subject: "$SYS.REQ.SERVER.PING.JSZ" }} }} ]
    users: [
      # Makes the streams, once: `ledger nats setup`. Take it out afterwards.
      {{ user: setup, password: $NATS_SETUP, permissions: {{
        publish: {{ allow: [
          "$JS.API.STREAM.CREATE.{stream}", "$JS.API.STREAM.INFO.{stream}",
          "$JS.API.STREAM.CREATE.{seen_stream}", "$JS.API.STREAM.INFO.{seen_stream}", "$SYS.REQ.SERVER.PING.JSZ"
        ] }}
        subscribe: {{ allow: [ "_INBOX_ledger.>" ] }}
      }} }}
      # The ledger. It can neither make nor change nor empty a stream.
      {{ user: ledger, password: $NATS_LEDGER, permissions: {{
        publish: {{ allow: [
          "{commit}", "{seen}", "$SYS.REQ.SERVER.PING.JSZ",
          "$JS.API.STREAM.INFO.{stream}", "$JS.API.STREAM.MSG.GET.{stream}",
          "$JS.API.STREAM.INFO.{seen_stream}", "$JS.API.STREAM.MSG.GET.{seen_stream}"
        ] }}
        subscribe: {{ allow: [ "_INBOX_ledger.>", "{submit}" ] }}
        allow_responses: {{ max: 1, expires: "5m" }}
      }} }}
      # A projector, or anyone who follows: reads the streams with consumers of its own.
      {{ user: projector, password: $NATS_PROJECTOR, permissions: {{
        publish: {{ allow: [
          "$JS.API.STREAM.INFO.{stream}", "$JS.API.STREAM.MSG.GET.{stream}",
          "$JS.API.CONSUMER.*.{stream}", "$JS.API.CONSUMER.*.{stream}.>", "$JS.API.CONSUMER.MSG.NEXT.{stream}.>",
          "$JS.API.STREAM.INFO.{seen_stream}", "$JS.API.STREAM.MSG.GET.{seen_stream}",
          "$JS.API.CONSUMER.*.{seen_stream}", "$JS.API.CONSUMER.*.{seen_stream}.>", "$JS.API.CONSUMER.MSG.NEXT.{seen_stream}.>",
          "$JS.ACK.{stream}.>", "$JS.ACK.{seen_stream}.>", "$JS.FC.>"
        ] }}
        subscribe: {{ allow: [ "_INBOX.>" ] }}
      }} }}
      # One who submits; give each a user and a prefix of inboxes of its own, so that nobody reads another's answers.
      {{ user: reporter, password: $NATS_REPORTER, permissions: {{
        publish: {{ allow: [ "{submit}" ] }}
        subscribe: {{ allow: [ "_INBOX_reporter.>" ] }}
      }} }}
    ]
  }}
}}
"#
    )
}
