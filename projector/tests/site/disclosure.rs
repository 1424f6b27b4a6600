//! What a public page must never hold, wherever it was made from.

use projector::finding::Status;
use projector::lens::{Audience, Lens};
use projector::measure::{Figure, Row};
use projector::record::Hidden;
use projector::rules::Missing;
use projector::site::input::{Read, Site, Undetermined};

use crate::{oversight, public, text, velmora};

/// All of a site's bytes, as text.
fn everything(site: &Site) -> String {
    public(site).into_iter().map(|(_, bytes)| String::from_utf8(bytes).unwrap()).collect()
}

#[test]
fn public_pages_show_neither_indicators_nor_sealed_matters() {
    for read in [Read::PublicLog, Read::Openings] {
        let site = velmora::site(read);
        let shown = everything(&site);
        for hidden in [
            "id=\"rule-DIS-01\"",
            "id=\"rule-ENV-03\"",
            "id=\"rule-REP-02\"",
            "id=\"rule-CMP-01\"",
            "cm-0002",
            "re-0001",
            "XV-N-03",
            "p=0.003199",
            "fac-kessan/access.request.denied/r0008",
        ] {
            assert!(!shown.contains(hidden), "{read:?}: {hidden}");
        }
        assert!(shown.contains("id=\"rule-ACC-02\""), "{read:?}");
    }
}

#[test]
fn oversight_sees_everything_under_a_label() {
    let files = oversight(&velmora::site(Read::Openings));
    let page = text(&files, "accountability.html");
    for shown in [
        "For oversight only. Do not publish.",
        "id=\"rule-DIS-01\"",
        "id=\"rule-REP-03\"",
        "cm-0002",
        "Indicator: to be judged",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
}

#[test]
fn erasures_are_for_oversight_and_say_by_which_entry() {
    let mut exact = velmora::site(Read::Openings);
    let field = |why| Missing { field: "measure.imposed.scope".into(), why };
    let last = exact.evaluations.last_mut().unwrap();
    for (subject, why) in [("me-01", Hidden::Withheld), ("me-02", Hidden::ErasedBy(3901))] {
        last.undetermined.push(Undetermined {
            rule: "MEA-01".into(),
            facility: "fac-tarsk".into(),
            organisation: String::new(),
            subject: subject.into(),
            missing: vec![field(why)],
        });
    }
    let files = oversight(&exact);
    let page = text(&files, "accountability.html");
    for shown in [
        "id=\"erased\"",
        "measure.imposed.scope</code></bdi> (erased by entry 3901)",
        "erased by entry 3901</th>",
        "not erased by entry 3902</th>",
        "no: no oversight body has signed it",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    let undetermined = text(&files, "data/undetermined.csv");
    assert!(undetermined.contains(",me-01,measure.imposed.scope\n"), "{undetermined}");
    assert!(undetermined.contains(",me-02,measure.imposed.scope (erased by entry 3901)\n"), "{undetermined}");
    assert_eq!(
        text(&files, "data/erasures.csv"),
        "entry,received_at,record,fields,lawful,unlawful_because\n\
         3901,2026-05-04T09:00:00Z,fac-tarsk/measure.imposed/r0901,scope,true,\n\
         3902,2026-05-04T09:00:00Z,fac-tarsk/measure.imposed/r0902,scope,false,\
         no oversight body has signed it: an erasure needs the operator's and an oversight body's signature\n"
    );
    let shown = everything(&exact);
    for hidden in ["id=\"erased\"", "r0901", "r0902", "entry 3901"] {
        assert!(!shown.contains(hidden), "{hidden}");
    }
}

#[test]
fn a_party_that_is_not_named_stays_so() {
    let shown = everything(&velmora::site(Read::Openings));
    for (party, _) in velmora::PSEUDONYMS {
        assert!(!shown.contains(party), "{party}");
    }
    for name in ["Noor Women", "Harvane Legal Clinic"] {
        assert!(!shown.contains(name), "{name}");
    }
    assert!(shown.contains("evaluation that read hidden values"), "the page says that something is left out");
    let of_the_log = everything(&velmora::site(Read::PublicLog));
    assert!(of_the_log.contains(velmora::PSEUDONYMS[0].1), "its findings stand under the pseudonym");
}

#[test]
fn a_result_that_read_openings_keeps_no_text_of_its_own() {
    let exact = velmora::site(Read::Openings);
    let lens = Lens::new(Audience::Public).site(&exact);
    for evaluation in &lens.get().evaluations {
        for finding in &evaluation.findings {
            assert_eq!(finding.detail, "", "{}", finding.rule);
            assert!(
                !["MEA-01", "MEA-02", "VIS-04", "ACC-04"].contains(&finding.rule),
                "{} may rest on a hidden field",
                finding.rule
            );
        }
        assert!(evaluation.undetermined.is_empty());
    }
}

#[test]
fn the_right_of_reply_comes_first() {
    // As of 2026-06-30 a finding opened on 06-16 is 14 days old.
    for (opened_at, waits) in [
        ("2026-06-30T22:59:59Z", true),
        ("2026-06-16T23:00:00Z", true),
        ("2026-06-16T22:59:59Z", false),
        ("2026-01-01T00:00:00Z", false),
    ] {
        let mut exact = velmora::site(Read::PublicLog);
        let last = exact.evaluations.last_mut().unwrap();
        last.findings.truncate(1);
        last.findings[0].opened_at = velmora::instant(opened_at);
        let lens = Lens::new(Audience::Public).site(&exact);
        assert_eq!(lens.get().withheld.waiting_for_reply, usize::from(waits), "{opened_at}");
        assert_eq!(lens.get().latest().unwrap().findings.is_empty(), waits, "{opened_at}");
        let files = public(&exact);
        assert_eq!(
            text(&files, "accountability.html").contains("at this date 1 finding is held back so."),
            waits,
            "{opened_at}"
        );
        assert_eq!(oversight(&exact).len(), files.len() + 1, "data/erasures.csv is for oversight");
        let kept = Lens::new(Audience::Oversight).site(&exact);
        assert_eq!(kept.get().latest().unwrap().findings.len(), 1, "{opened_at}");
    }
}

#[test]
fn counts_of_persons_and_of_unnamed_organisations_do_not_pass() {
    let row = |measure, dimension, key: &str| Row {
        measure,
        period: "2026-Q2".into(),
        facility: String::new(),
        dimension,
        key: key.into(),
        value: Figure::Whole(7_654_321),
        numerator: None,
        denominator: None,
    };
    for (row, passes) in [
        (row("T11", "", ""), false),
        (row("T18.complaints", "", ""), false),
        (row("T1", "organisation", "cso-clinic"), false),
        (row("T1", "organisation", "cso-league"), true),
        (row("T1", "organisation", "not_named"), true),
        (row("T19", "region", "north"), true),
    ] {
        let mut exact = velmora::site(Read::PublicLog);
        exact.measures = vec![row.clone()];
        let lens = Lens::new(Audience::Public).site(&exact);
        assert_eq!(lens.get().measures.contains(&row), passes, "{row:?}");
    }
}

#[test]
fn a_breach_is_counted_as_one_only_while_it_is_open() {
    let mut exact = velmora::site(Read::PublicLog);
    let last = exact.evaluations.last_mut().unwrap();
    last.findings.truncate(1);
    for (status, heading) in [
        (Status::Open, "1 breach of 1 rule is open on"),
        (Status::Late, "No breach is open on"),
        (Status::Remedied, "No breach is open on"),
        (Status::LateRecorded, "No breach is open on"),
    ] {
        exact.evaluations.last_mut().unwrap().findings[0].status = status;
        let files = public(&exact);
        assert!(text(&files, "accountability.html").contains(heading), "{status:?}");
    }
}
