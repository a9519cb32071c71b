"""The doctor: reads how a deployment stands, judges each part by itself, and says what to do. It changes nothing."""
