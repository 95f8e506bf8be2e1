"""Publishes commands with Confluent's client for Python and its own Avro serializer.

Arguments: bootstrap servers, address of the schema registry, topic, partitioner of librdkafka.
Standard input: one command per line, in JSON as fastavro takes it.
"""

import json
import sys

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext


def main(brokers, registry, topic, partitioner):
    serializer = AvroSerializer(
        SchemaRegistryClient({"url": registry}),
        conf={"auto.register.schemas": False, "use.latest.version": True},
    )
    producer = Producer(
        {"bootstrap.servers": brokers, "enable.idempotence": True, "partitioner": partitioner}
    )
    failures = []
    for line in sys.stdin:
        command = json.loads(line)
        value = serializer(command, SerializationContext(topic, MessageField.VALUE))
        producer.produce(
            topic,
            key=command["userId"].encode(),
            value=value,
            on_delivery=lambda error, _: failures.append(str(error)) if error else None,
        )
    producer.flush()
    if failures:
        sys.exit("\n".join(failures))


main(*sys.argv[1:])
