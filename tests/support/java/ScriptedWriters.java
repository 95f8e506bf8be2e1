import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Producers of Java's own client that do, one after the other, what the lines of a script say.
 *
 * Arguments: bootstrap servers, script. Lines: "open writer codec [transactional id]", "begin writer", "send writer topic
 * partition key value[,value]", "commit writer", "abort writer". Each has taken effect when the next one is done, and the
 * values of one line go into one batch.
 */
public final class ScriptedWriters {
  public static void main(String[] args) throws Exception {
    Map<String, KafkaProducer<String, String>> writers = new HashMap<>();
    for (String line : args[1].split("\n")) {
      String[] words = line.split(" ");
      var writer = writers.get(words[1]);
      switch (words[0]) {
        case "open" -> writers.put(words[1], opened(args[0], words));
        case "begin" -> writer.beginTransaction();
        case "send" -> send(writer, words);
        case "commit" -> writer.commitTransaction();
        case "abort" -> writer.abortTransaction();
        default -> throw new IllegalArgumentException(line);
      }
    }
    writers.values().forEach(KafkaProducer::close);
  }

  private static void send(KafkaProducer<String, String> writer, String[] words) throws Exception {
    int partition = Integer.parseInt(words[3]);
    List<Future<?>> sent = new ArrayList<>();
    for (String value : words[5].split(",")) {
      sent.add(writer.send(new ProducerRecord<>(words[2], partition, words[4], value)));
    }
    writer.flush();
    for (Future<?> one : sent) one.get();
  }

  private static KafkaProducer<String, String> opened(String brokers, String[] words) {
    var properties = new Properties();
    properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
    properties.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, words[2]);
    if (words.length > 3) properties.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, words[3]);
    var producer = new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
    if (words.length > 3) producer.initTransactions();
    return producer;
  }
}
