"""MQTT out of the hub: notifications to brokers."""
