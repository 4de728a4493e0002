//! Consumers: a correct one of each source, and others with typical mistakes, which the model has to detect.

pub(crate) mod kafka;
pub(crate) mod rabbitmq;
pub(crate) mod stream;
