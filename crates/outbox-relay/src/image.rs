//! Images that are quarantined.

use std::fmt;

use payment_changes::Image;
use payments::Rejection;
use quarantine::{QuarantinedRecord, Reason};

/// An image to quarantine.
#[derive(Debug)]
pub(crate) struct QuarantineImage {
    pub(crate) cause: QuarantineCause,
    /// Sequence number from which the change stream must redeliver if the image cannot be stored.
    pub(crate) redeliver_from: String,
    image: Image,
    /// It may quote the image, so it is not logged.
    reason: Reason,
}

/// Why an image is quarantined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QuarantineCause {
    /// It is not a payment, or not one that can be published.
    Unreadable,
    /// The hub can never accept a version of its payment.
    Rejected,
}

impl QuarantineImage {
    /// An image that could not be decoded, and why.
    pub(crate) fn unreadable(image: Image, reason: Reason) -> Self {
        Self { cause: QuarantineCause::Unreadable, redeliver_from: image.sequence_number.clone(), image, reason }
    }

    /// An image of a payment with a version that the hub rejected. `redeliver_from` is the sequence number of the
    /// payment's first image in the batch.
    pub(crate) fn rejected(image: Image, redeliver_from: String, rejection: &Rejection) -> Self {
        let Rejection { version, cause } = rejection;
        let reason = Reason::new(&format!("the hub can never accept version {version}: {cause}"));
        Self { cause: QuarantineCause::Rejected, redeliver_from, image, reason }
    }

    /// Returns the image as it is quarantined.
    pub(crate) fn quarantined(&self) -> QuarantinedRecord {
        payment_changes::quarantined(&self.image, self.reason.clone())
    }
}

impl fmt::Display for QuarantineCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "could not be decoded",
            Self::Rejected => "has a version that the hub can never accept",
        })
    }
}
