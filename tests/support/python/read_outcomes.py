"""Reads a topic with Confluent's client for Python and its own Avro deserializer, up to the present end.

Arguments: bootstrap servers, address of the schema registry, topic, number of partitions.
Standard output: one value per line, in JSON; of bytes and dates the text that Python gives them.
"""

import json
import sys

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext


def main(brokers, registry, topic, partitions):
    deserializer = AvroDeserializer(SchemaRegistryClient({"url": registry}))
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "reads-and-leaves",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
    )
    left = set(range(int(partitions)))
    consumer.assign([TopicPartition(topic, partition, 0) for partition in left])
    while left:
        message = consumer.poll(30)
        if message is None:
            sys.exit("nothing more came of " + str(left))
        if message.error() is None:
            context = SerializationContext(topic, MessageField.VALUE)
            print(json.dumps(deserializer(message.value(), context), default=str))
        else:
            left.discard(message.partition())
    consumer.close()


main(*sys.argv[1:])
