import java.io.BufferedWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.Utils;

/**
 * What is outside of both engines: it sends the commands and sees the events, with the Java client.
 *
 *   load   BROKER TOPIC SCHEMA_ID FROM COMMANDS USERS      accounts are the numbers before 0, commands those from it on
 *   steady BROKER TOPIC SCHEMA_ID RATE USERS SERIES EVENTS FILE
 *                                                          commands at a rate until standard input ends, and when each
 *                                                          event was seen by a read_committed consumer
 *   count  BROKER TOPIC...                                 committed records of each topic, and their bytes with keys
 */
public final class Traffic {
  private static final long PATIENCE_MS = 120_000;

  public static void main(String[] args) throws Exception {
    switch (args[0]) {
      case "load" -> load(args[1], args[2], Integer.parseInt(args[3]), Long.parseLong(args[4]), Long.parseLong(args[5]), Integer.parseInt(args[6]));
      case "steady" -> new Steady(args).run();
      case "count" -> {
        for (int index = 2; index < args.length; index++) System.out.println("counted " + args[index] + " " + count(args[1], args[index]));
      }
      default -> throw new IllegalArgumentException(args[0]);
    }
  }

  static KafkaProducer<byte[], byte[]> producer(String broker, int lingerMs) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", broker);
    settings.put("acks", "all");
    settings.put("linger.ms", lingerMs);
    settings.put("batch.size", 131_072);
    settings.put("buffer.memory", 134_217_728);
    return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
  }

  static KafkaConsumer<byte[], byte[]> consumer(String broker) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", broker);
    settings.put("isolation.level", "read_committed");
    settings.put("enable.auto.commit", "false");
    settings.put("max.poll.records", "5000");
    settings.put("max.partition.fetch.bytes", "4194304");
    return new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  static List<TopicPartition> places(KafkaConsumer<byte[], byte[]> consumer, String topic) {
    return consumer.partitionsFor(topic).stream().map(info -> new TopicPartition(topic, info.partition())).toList();
  }

  static void load(String broker, String topic, int schemaId, long from, long count, int users) {
    Commands commands = new Commands(schemaId);
    long now = System.currentTimeMillis();
    long noted = System.nanoTime();
    AtomicLong failed = new AtomicLong();
    try (KafkaProducer<byte[], byte[]> producer = producer(broker, 20)) {
      for (long index = from; index < count; index++) {
        long number = index + users;
        byte[] user = Commands.user(index < 0 ? number : index, users);
        byte[] value = index < 0 ? commands.openAccount(number, users, now) : commands.recordTransaction("load", index, users, now);
        producer.send(new ProducerRecord<>(topic, user, value), (answer, error) -> {
          if (error != null) failed.incrementAndGet();
        });
        if (System.nanoTime() - noted > 2_000_000_000L) {
          noted = System.nanoTime();
          System.out.println("loaded " + (index - from));
        }
      }
    }
    if (failed.get() > 0) throw new IllegalStateException(failed + " records were not stored");
    System.out.println("loaded " + (count - from));
  }

  static String count(String broker, String topic) {
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(broker)) {
      List<TopicPartition> places = places(consumer, topic);
      consumer.assign(places);
      consumer.seekToBeginning(places);
      // Of a read_committed consumer these are the last stable offsets.
      var ends = consumer.endOffsets(places);
      long count = 0;
      long bytes = 0;
      while (places.stream().anyMatch(place -> consumer.position(place) < ends.get(place))) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
          count++;
          bytes += record.serializedKeySize() + record.serializedValueSize();
        }
      }
      return count + " " + bytes;
    }
  }

  /** The n-th event of a partition is that of its n-th command: every command of the bench makes one. */
  static final class Steady {
    private final String broker;
    private final String topic;
    private final Commands commands;
    private final int rate;
    private final int users;
    private final String series;
    private final String events;
    private final Path file;
    private final long beganNanos = System.nanoTime();
    private final long beganMicros = System.currentTimeMillis() * 1000;
    private final AtomicLong sent = new AtomicLong();
    private volatile boolean over;
    private volatile boolean allSent;

    Steady(String[] args) {
      broker = args[1];
      topic = args[2];
      commands = new Commands(Integer.parseInt(args[3]));
      rate = Integer.parseInt(args[4]);
      users = Integer.parseInt(args[5]);
      series = args[6];
      events = args[7];
      file = Path.of(args[8]);
    }

    private long micros() {
      return beganMicros + (System.nanoTime() - beganNanos) / 1000;
    }

    void run() throws Exception {
      try (KafkaConsumer<byte[], byte[]> consumer = consumer(broker)) {
        List<TopicPartition> places = places(consumer, events);
        consumer.assign(places);
        consumer.seekToEnd(places);
        places.forEach(consumer::position);
        List<List<Long>> due = new ArrayList<>();
        for (int partition = 0; partition < places.size(); partition++) due.add(new ArrayList<>());
        Thread sender = new Thread(() -> send(due));
        Thread listener = new Thread(this::waitForEnd);
        listener.setDaemon(true);
        System.out.println("sending " + System.currentTimeMillis());
        sender.start();
        listener.start();
        long seen = see(consumer, due);
        sender.join();
        System.out.println("seen " + seen + " of " + sent.get());
        if (seen < sent.get()) System.exit(1);
      }
    }

    private void waitForEnd() {
      try {
        while (System.in.read() >= 0) {}
      } catch (java.io.IOException gone) {
        // Whoever started this is gone.
      }
      over = true;
    }

    private void send(List<List<Long>> due) {
      int partitions = due.size();
      try (KafkaProducer<byte[], byte[]> producer = producer(broker, 0)) {
        long began = System.nanoTime();
        long beganMicros = micros();
        for (long index = 0; !over; ) {
          long until = (System.nanoTime() - began) * rate / 1_000_000_000L;
          for (; index < until; index++) {
            byte[] user = Commands.user(index, users);
            int partition = Utils.toPositive(Utils.murmur2(user)) % partitions;
            byte[] value = commands.recordTransaction(series, index, users, System.currentTimeMillis());
            synchronized (due) {
              // From when it was due, not from when there was time for it.
              due.get(partition).add(beganMicros + index * 1_000_000L / rate);
            }
            producer.send(new ProducerRecord<>(topic, partition, user, value));
            sent.incrementAndGet();
          }
          Thread.sleep(1);
        }
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
      }
      allSent = true;
    }

    /** Lines of: partition, offset of the event, when its command was due, when it was seen (microseconds since 1970). */
    private long see(KafkaConsumer<byte[], byte[]> consumer, List<List<Long>> due) throws Exception {
      long seen = 0;
      long patience = Long.MAX_VALUE;
      int[] nth = new int[due.size()];
      try (BufferedWriter out = Files.newBufferedWriter(file, StandardCharsets.US_ASCII)) {
        while (!(allSent && seen >= sent.get()) && System.currentTimeMillis() < patience) {
          var records = consumer.poll(Duration.ofMillis(50));
          long now = micros();
          for (ConsumerRecord<byte[], byte[]> record : records) {
            long at;
            synchronized (due) {
              at = due.get(record.partition()).get(nth[record.partition()]++);
            }
            out.write(record.partition() + " " + record.offset() + " " + at + " " + now + "\n");
            seen++;
          }
          if (allSent && patience == Long.MAX_VALUE) patience = System.currentTimeMillis() + PATIENCE_MS;
        }
      }
      return seen;
    }
  }
}
