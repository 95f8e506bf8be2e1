import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Publishes commands with Java's own client, in Confluent's wire format, as a program would that knows nothing of Saldo
 * but its topic and the registry.
 *
 * Arguments: bootstrap servers, address of the schema registry, topic, file with one command per line in Avro's JSON.
 */
public final class PublishCommands {
  public static void main(String[] args) throws Exception {
    String topic = args[2];
    var latest = latestOf(args[1], topic + "-value");
    var schema = new Schema.Parser().parse(latest.schema);
    var reader = new GenericDatumReader<GenericRecord>(schema);
    var writer = new GenericDatumWriter<GenericRecord>(schema);
    var properties = new Properties();
    properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    properties.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, "lz4");
    properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, 150_000);
    try (var producer =
        new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
      for (String line : Files.readAllLines(Path.of(args[3]))) {
        var command = reader.read(null, DecoderFactory.get().jsonDecoder(schema, line));
        var bytes = new ByteArrayOutputStream();
        var header = new DataOutputStream(bytes);
        header.writeByte(0);
        header.writeInt(latest.id);
        var encoder = EncoderFactory.get().directBinaryEncoder(bytes, null);
        writer.write(command, encoder);
        byte[] key = command.get("userId").toString().getBytes(StandardCharsets.UTF_8);
        producer.send(new ProducerRecord<>(topic, key, bytes.toByteArray())).get();
      }
    }
  }

  private record Registered(int id, String schema) {}

  private static Registered latestOf(String registry, String subject) throws Exception {
    var uri = URI.create(registry + "/subjects/" + subject + "/versions/latest");
    var request = HttpRequest.newBuilder(uri).build();
    var answer = HttpClient.newHttpClient().send(request, BodyHandlers.ofString()).body();
    // The jars of Avro bring a parser of JSON.
    var found = new com.fasterxml.jackson.databind.ObjectMapper().readTree(answer);
    return new Registered(found.get("id").asInt(), found.get("schema").asText());
  }
}
