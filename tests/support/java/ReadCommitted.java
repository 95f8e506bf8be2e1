import java.io.BufferedOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Everything that is committed in some topics, as Java's own client sees it: a judge that shares no code with Saldo.
 *
 * Arguments: bootstrap servers, then topics. One line per record: "record", topic, partition, offset, timestamp, key and
 * value in Base64 ("-" for null); before them one per partition: "end", topic, partition, first offset that is kept, end
 * of what is committed, end of everything. The last two differ while a transaction is open.
 */
public final class ReadCommitted {
  private static final Duration WAIT = Duration.ofSeconds(1);
  private static final long SILENCE_MS_MAX = 60_000;

  public static void main(String[] args) {
    List<String> topics = List.of(args).subList(1, args.length);
    PrintStream out =
        new PrintStream(new BufferedOutputStream(System.out, 1 << 16), false, StandardCharsets.US_ASCII);
    try (var committed = consumer(args[0], "read_committed");
        var everything = consumer(args[0], "read_uncommitted")) {
      Set<TopicPartition> places = new HashSet<>();
      for (String topic : topics) {
        committed.partitionsFor(topic).forEach(
            (one) -> places.add(new TopicPartition(topic, one.partition())));
      }
      Map<TopicPartition, Long> ends = committed.endOffsets(places);
      Map<TopicPartition, Long> starts = committed.beginningOffsets(places);
      Map<TopicPartition, Long> highest = everything.endOffsets(places);
      for (TopicPartition at : places) {
        out.println(line("end", at, starts.get(at), ends.get(at), highest.get(at)));
      }
      print(committed, ends, out);
    }
    out.flush();
  }

  private static void print(
      KafkaConsumer<byte[], byte[]> consumer, Map<TopicPartition, Long> ends, PrintStream out) {
    consumer.assign(ends.keySet());
    consumer.seekToBeginning(ends.keySet());
    Set<TopicPartition> left = new HashSet<>(ends.keySet());
    long heardAt = System.currentTimeMillis();
    while (true) {
      // Behind the last record there may be markers alone: the position says when they were passed.
      left.removeIf((at) -> consumer.position(at) >= ends.get(at));
      List<TopicPartition> done = new ArrayList<>(ends.keySet());
      done.removeAll(left);
      consumer.pause(done);
      if (left.isEmpty()) return;
      var records = consumer.poll(WAIT);
      for (ConsumerRecord<byte[], byte[]> one : records) {
        var at = new TopicPartition(one.topic(), one.partition());
        if (one.offset() >= ends.get(at)) continue;
        out.println(
            line("record", at, one.offset(), one.timestamp(), text(one.key()), text(one.value())));
      }
      if (!records.isEmpty()) heardAt = System.currentTimeMillis();
      if (System.currentTimeMillis() - heardAt > SILENCE_MS_MAX) {
        throw new IllegalStateException("nothing more came of " + left);
      }
    }
  }

  private static KafkaConsumer<byte[], byte[]> consumer(String brokers, String isolation) {
    var properties = new Properties();
    properties.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
    properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, isolation);
    properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
    properties.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 10_000);
    properties.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
    return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  private static String line(String kind, TopicPartition at, Object... fields) {
    var line = new StringBuilder(kind).append(' ').append(at.topic()).append(' ').append(at.partition());
    for (Object field : fields) line.append(' ').append(field);
    return line.toString();
  }

  private static String text(byte[] bytes) {
    return bytes == null ? "-" : Base64.getEncoder().encodeToString(bytes);
  }
}
