//! Names of the profile's parameters and the form of each. `rules/RULES.md`, "Parameters".
//!
//! Only names stand here. The numbers stand in profiles, the defaults in `schemas/profile/default.toml`;
//! a test demands that both name the same parameters.

/// A whole number, 0 or more: days, hours, months, minutes, a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole(pub &'static str);

/// An exact fraction: a share, a ratio, percentage points, a probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(pub &'static str);

/// A list of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words(pub &'static str);

/// What form a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// [`Whole`].
    Whole,
    /// [`Share`].
    Share,
    /// [`Words`].
    Words,
}

macro_rules! parameters {
    ($($name:ident: $form:ident = $text:literal;)*) => {
        $(#[doc = concat!("`", $text, "` of the profile.")] pub const $name: $form = $form($text);)*

        /// Every parameter that something reads, with its form.
        pub const ALL: &[(&str, Form)] = &[$(($text, Form::$form)),*];
    };
}

parameters! {
    OUTAGE_GRACE_HOURS: Whole = "outage_grace_hours";
    TOLL_CAP_TIMES: Whole = "toll_cap_times";
    TOLL_CAP_DAYS: Whole = "toll_cap_days";
    ACK_WORKING_DAYS: Whole = "ack_working_days";
    DECISION_DAYS: Whole = "decision_days";
    BOILERPLATE_MIN: Whole = "boilerplate_min";
    BOILERPLATE_WINDOW_DAYS: Whole = "boilerplate_window_days";
    ROLLING_MIN: Whole = "rolling_min";
    ROLLING_GAP_DAYS: Whole = "rolling_gap_days";
    APPEAL_DAYS: Whole = "appeal_days";
    OVERTURNED_DAYS: Whole = "overturned_days";
    DISPARITY_WINDOW_DAYS: Whole = "disparity_window_days";
    DISPARITY_MIN_N: Whole = "disparity_min_n";
    DISPARITY_DIFF_PP: Share = "disparity_diff_pp";
    DISPARITY_P: Share = "disparity_p";
    REGIME_CLUSTER_MIN: Whole = "regime_cluster_min";
    REGIME_CLUSTER_FACILITIES: Whole = "regime_cluster_facilities";
    REGIME_CLUSTER_DAYS: Whole = "regime_cluster_days";
    DESERT_DAYS: Whole = "desert_days";
    PAPER_WINDOW_DAYS: Whole = "paper_window_days";
    PAPER_MIN_APPROVALS: Whole = "paper_min_approvals";
    PAPER_REALISED_BELOW: Share = "paper_realised_below";
    SHORT_NOTICE_HOURS: Whole = "short_notice_hours";
    WAIT_MINUTES: Whole = "wait_minutes";
    WAIT_VISITS: Whole = "wait_visits";
    WAIT_RATIO: Share = "wait_ratio";
    CONFLICT_HOURS: Whole = "conflict_hours";
    DISPUTE_DAYS: Whole = "dispute_days";
    REVIEW_MAX_DAYS: Whole = "review_max_days";
    MEASURE_APPROVAL_DAYS: Whole = "measure_approval_days";
    GHOST_CLUSTER_MIN: Whole = "ghost_cluster_min";
    GHOST_CLUSTER_DAYS: Whole = "ghost_cluster_days";
    SESSION_GAP_DAYS: Whole = "session_gap_days";
    CHANGE_NOTICE_DAYS: Whole = "change_notice_days";
    CONSULTATION_WINDOW_DAYS: Whole = "consultation_window_days";
    CONSULTATION_INVITED_MIN: Whole = "consultation_invited_min";
    CONSULTATION_INDEPENDENT_MIN: Whole = "consultation_independent_min";
    URGENT_CONSULTATION_DAYS: Whole = "urgent_consultation_days";
    CONSULTATION_OPEN_DAYS: Whole = "consultation_open_days";
    FEEDBACK_DAYS: Whole = "feedback_days";
    EVALUATION_MONTHS: Whole = "evaluation_months";
    FOLLOWUP_DAYS: Whole = "followup_days";
    TRAINING_MONTHS: Whole = "training_months";
    TRAINING_REQUIRED: Words = "training_required";
    TRAINING_ONE_OF: Words = "training_one_of";
    FUNDING_GAP_DAYS: Whole = "funding_gap_days";
    PAYMENT_DELAY_DAYS: Whole = "payment_delay_days";
    CAPTURE_MIN_INDICATORS: Whole = "capture_min_indicators";
    CAPTURE_WINDOW_MONTHS: Whole = "capture_window_months";
    CAPTURE_STATE_SHARE: Share = "capture_state_share";
    CAPTURE_DECISION_RATIO: Share = "capture_decision_ratio";
    CAPTURE_DECISION_MIN_N: Whole = "capture_decision_min_n";
    CAPTURE_APPROVAL_MIN_N: Whole = "capture_approval_min_n";
    CAPTURE_OTHERS_BELOW: Share = "capture_others_below";
    CAPTURE_GRANT_SHARE: Share = "capture_grant_share";
    RELEASE_MIN: Whole = "release_min";
    RELEASE_CONTACT_SHARE: Share = "release_contact_share";
    LOCALITY_RELEASES_MIN: Whole = "locality_releases_min";
    LOCALITY_MONTHS: Whole = "locality_months";
    ASSESSMENT_MONTHS: Whole = "assessment_months";
    INSPECTION_EXTERNAL_MONTHS: Whole = "inspection_external_months";
    INSPECTION_INTERNAL_MONTHS: Whole = "inspection_internal_months";
    UNANNOUNCED_MONTHS: Whole = "unannounced_months";
    EXTERNAL_KINDS: Words = "external_kinds";
    INTERNAL_KINDS: Words = "internal_kinds";
    REPORT_DAYS: Whole = "report_days";
    PUBLICATION_DAYS: Whole = "publication_days";
    CONFIDENTIAL_REPORT_KINDS: Words = "confidential_report_kinds";
    ANSWER_DAYS: Whole = "answer_days";
    URGENT_LETTER_DAYS: Whole = "urgent_letter_days";
    URGENT_ANSWER_DAYS: Whole = "urgent_answer_days";
    PROGRESS_DAYS: Whole = "progress_days";
    VERIFICATION_DAYS: Whole = "verification_days";
    ANNUAL_REPORT_MONTHS: Whole = "annual_report_months";
    COMPLAINT_ACK_WORKING_DAYS: Whole = "complaint_ack_working_days";
    COMPLAINT_ANSWER_WORKING_DAYS: Whole = "complaint_answer_working_days";
    TORTURE_REFERRAL_HOURS: Whole = "torture_referral_hours";
    COMPLAINT_URGENT_ABOUT: Words = "complaint_urgent_about";
    SEALED_BATCH_DAYS: Whole = "sealed_batch_days";
    PROTECTED_ACTS: Words = "protected_acts";
    ADVERSE_DAYS: Whole = "adverse_days";
    SELECTIVE_AFTER_DAYS: Whole = "selective_after_days";
    SELECTIVE_BEFORE_DAYS: Whole = "selective_before_days";
    SELECTIVE_MIN_N: Whole = "selective_min_n";
    SELECTIVE_RISE_PP: Share = "selective_rise_pp";
    SELECTIVE_P: Share = "selective_p";
    SELECTIVE_PEERS_BELOW_PP: Share = "selective_peers_below_pp";
    TRIAGE_HOURS: Whole = "triage_hours";
    PROTECTION_DAYS: Whole = "protection_days";
    FOLLOWUP_VISIT_DAYS: Whole = "followup_visit_days";
    LATE_DAYS: Whole = "late_days";
    LATE_SHARE: Share = "late_share";
    LATE_MIN_EVENTS: Whole = "late_min_events";
    BACKFILL_MIN: Whole = "backfill_min";
    BACKFILL_HOURS: Whole = "backfill_hours";
    BACKFILL_DAYS: Whole = "backfill_days";
    CORRECTION_DAYS: Whole = "correction_days";
    SEQUENCE_GAP_DAYS: Whole = "sequence_gap_days";
    OUTAGE_SHARE: Share = "outage_share";
    OUTAGE_VISIT_SHARE: Share = "outage_visit_share";
    OUTAGE_MIN_VISITS: Whole = "outage_min_visits";
    EMERGENCY_STATUSES: Words = "emergency_statuses";
    SDC_THRESHOLD: Whole = "sdc_threshold";
    SDC_ROUNDING: Whole = "sdc_rounding";
    SDC_VEP_THRESHOLD: Whole = "sdc_vep_threshold";
    RELEASE_DELAY_DAYS: Whole = "release_delay_days";
    AGREEMENT_NOTICE_HOURS: Whole = "agreement_notice_hours";
    REPLY_DAYS: Whole = "reply_days";
    SEALED_BATCH_SIZE: Whole = "sealed_batch_size";
}
