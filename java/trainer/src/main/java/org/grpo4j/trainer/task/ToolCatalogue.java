package org.grpo4j.trainer.task;

import static org.grpo4j.trainer.task.ToolParameter.number;
import static org.grpo4j.trainer.task.ToolParameter.word;

import java.util.List;
import java.util.Map;

/**
 * The tools of the embedded task and the wordings of their questions.
 *
 * <p>Tools come in confusable pairs (two areas, a timer and an alarm, money sent and money
 * converted), and the wordings outside {@link PhrasingSet#SEEN} use other words and other argument
 * orders, so that the signatures in the prompt have to be read.
 */
final class ToolCatalogue {
  private static final List<String> CITIES =
      List.of(
          "Paris", "Rome", "Oslo", "Lima", "Cairo", "Delhi", "Tokyo", "Milan", "Madrid", "Vienna",
          "Berlin", "Boston");
  private static final List<String> PEOPLE =
      List.of("Anna", "Ben", "Carla", "David", "Emma", "Felix", "Grace", "Hugo", "Iris", "Leo");
  private static final List<String> CURRENCIES = List.of("USD", "EUR", "GBP", "JPY", "CHF", "SEK");
  static final List<String> ROOMS =
      List.of("Kitchen", "Bedroom", "Office", "Garage", "Attic", "Hall");

  static final List<ToolSpec> TOOLS =
      List.of(
          triangleArea(),
          rectangleArea(),
          getWeather(),
          convertCurrency(),
          transferMoney(),
          bookHotel(),
          searchFlights(),
          sendEmail(),
          setAlarm(),
          startTimer(),
          setHeating(),
          playMusic(),
          bodyMass(),
          orderPizza());

  private ToolCatalogue() {}

  private static ToolSpec triangleArea() {
    return new ToolSpec(
        "triangle_area",
        List.of(number("base", 10, 99), number("height", 10, 99)),
        Map.of(
            PhrasingSet.SEEN,
            List.of(
                "Area of a triangle with base {base} and height {height}",
                "How big is a triangle of base {base} and height {height}",
                "Find the triangle area for base {base}, height {height}",
                "A triangle has base {base} and height {height}, compute its area",
                "Triangle with height {height} and base {base}, what is the area"),
            PhrasingSet.UNSEEN,
            List.of(
                "With base {base} and height {height}, what area has my triangle",
                "My triangle sail: height {height}, base {base}",
                "How much cloth for {height} high over a base of {base}"),
            PhrasingSet.NEVER,
            List.of(
                "Surface of a triangle standing {height} tall on a side of {base}",
                "Half of {base} times {height} for a triangle")));
  }

  private static ToolSpec rectangleArea() {
    return new ToolSpec(
        "rectangle_area",
        List.of(number("width", 10, 99), number("height", 10, 99)),
        Map.of(
            PhrasingSet.SEEN,
            List.of(
                "Area of a rectangle with width {width} and height {height}",
                "How big is a rectangle of width {width} and height {height}",
                "Find the rectangle area for width {width}, height {height}",
                "A rectangle has width {width} and height {height}, compute its area",
                "Rectangle with height {height} and width {width}, what is the area"),
            PhrasingSet.UNSEEN,
            List.of(
                "With width {width} and height {height}, what area has my rectangle",
                "My rectangle wall: height {height}, width {width}",
                "How much paint for {height} high over a width of {width}"),
            PhrasingSet.NEVER,
            List.of(
                "Surface of a door {height} tall and {width} across",
                "Product of the sides {width} and {height} of a rectangle")));
  }

  private static ToolSpec getWeather() {
    return new ToolSpec(
        "get_weather",
        List.of(word("city", CITIES), number("days", 10, 60)),
        Map.of(
            PhrasingSet.SEEN,
            List.of(
                "Weather in {city} for the next {days} days",
                "What is the weather in {city} over {days} days",
                "Show me {days} days of weather for {city}",
                "Get the weather for {city}, {days} days",
                "Over {days} days, how is the weather in {city}"),
            PhrasingSet.UNSEEN,
            List.of(
                "Will the weather in {city} be nice for {days} days",
                "For {days} days, tell me the weather of {city}",
                "Does it rain within {days} days in {city}"),
            PhrasingSet.NEVER,
            List.of(
                "Do I need a coat in {city} for these {days} days",
                "Sun or snow within {days} days at {city}")));
  }

  private static ToolSpec convertCurrency() {
    return new ToolSpec(
        "convert_currency",
        List.of(number("amount", 10, 999), word("source", CURRENCIES), word("target", CURRENCIES)),
        Map.of(
            PhrasingSet.SEEN,
            List.of(
                "Convert {amount} {source} to {target}",
                "How much is {amount} {source} in {target}",
                "Change {amount} {source} into {target}",
                "Currency: {amount} from {source} to {target}",
                "To {target} from {source}, convert {amount}"),
            PhrasingSet.UNSEEN,
            List.of(
                "I want to convert my {amount} {source} into {target}",
                "How much {target} do I get, I have {amount} {source}",
                "Swap to {target} from {source}, sum of {amount}"),
            PhrasingSet.NEVER,
            List.of(
                "Going to spend {target}, holding {amount} {source}",
                "Worth of {amount} {source} counted in {target}")));
  }

  private static ToolSpec transferMoney() {
    return new ToolSpec(
        "transfer_money",
        List.of(word("person", PEOPLE), number("amount", 10, 999)),
        Map.of(
            PhrasingSet.SEEN,
            List.of(
                "Transfer {amount} to {person}",
                "Send {person} the amount of {amount}",
                "Please transfer the money, {amount} to {person}",
                "Move {amount} of my money to {person}",
                "To {person} I want to transfer {amount}"),
            PhrasingSet.UNSEEN,
            List.of(
                "I want to transfer my {amount} over to {person}",
                "Let {person} have {amount} of my money",
                "I owe {amount} and pay it to {person}"),
            PhrasingSet.NEVER,
            List.of(
                "Settle my debt of {amount} with {person}", "Give {amount} in cash to {person}")));
  }

  private static ToolSpec bookHotel() {
    return new ToolSpec(
        "book_hotel",
        List.of(word("city", CITIES), number("nights", 10, 60), number("guests", 10, 60)),
        Map.of(
            PhrasingSet.SEEN,
            List.of(
                "Book a hotel in {city} for {nights} nights and {guests} guests",
                "Hotel in {city}, {nights} nights, {guests} guests",
                "I need a hotel in {city} for {nights} nights, {guests} guests",
                "Find a hotel for {nights} nights, {guests} guests in {city}",
                "For {guests} guests and {nights} nights in {city}, book a hotel"),
            PhrasingSet.UNSEEN,
            List.of(
                "We want a hotel in {city}, stay {nights} nights, are {guests} guests",
                "For {guests} guests reserve a hotel in {city}, {nights} nights",
                "We sleep {nights} nights in {city} with {guests}"),
            PhrasingSet.NEVER,
            List.of(
                "A party of {guests} wants to spend {nights} nights in {city}",
                "{city} for {nights} nights, {guests} of us need beds")));
  }

  private static ToolSpec searchFlights() {
    return new ToolSpec(
        "search_flights",
        List.of(word("origin", CITIES), word("target", CITIES), number("seats", 10, 60)),
        Map.of(
            PhrasingSet.SEEN,
            List.of(
                "Search flights from {origin} to {target} with {seats} seats",
                "Find {seats} seats on flights from {origin} to {target}",
                "Flights from {origin} to {target}, {seats} seats",
                "Show flights {origin} to {target} for {seats} seats",
                "To {target} from {origin}, search flights with {seats} seats"),
            PhrasingSet.UNSEEN,
            List.of(
                "Are there flights from {origin} over to {target} with {seats} seats",
                "Get {seats} seats to {target}, flights leave from {origin}",
                "We fly to {target} out of {origin}, room for {seats}"),
            PhrasingSet.NEVER,
            List.of(
                "Going by air to {target}, start in {origin}, {seats} people",
                "{seats} tickets, {origin} and then {target} by plane")));
  }

  private static ToolSpec sendEmail() {
    return new ToolSpec(
        "send_email",
        List.of(word("person", PEOPLE), number("minutes", 10, 99)),
        Map.of(
            PhrasingSet.SEEN,
            List.of(
                "Send an email to {person} in {minutes} minutes",
                "Email {person} in {minutes} minutes",
                "Write an email to {person}, send it in {minutes} minutes",
                "In {minutes} minutes send an email to {person}",
                "I want to email {person} after {minutes} minutes"),
            PhrasingSet.UNSEEN,
            List.of(
                "Have an email go to {person} after {minutes} minutes",
                "Wait {minutes} minutes and email it to {person}",
                "Drop {person} a line in {minutes} minutes"),
            PhrasingSet.NEVER,
            List.of(
                "Contact {person} once {minutes} minutes have passed",
                "Let {minutes} minutes go by and write to {person}")));
  }

  private static ToolSpec setAlarm() {
    return new ToolSpec(
        "set_alarm",
        List.of(number("hour", 10, 23), number("minute", 10, 59)),
        Map.of(
            PhrasingSet.SEEN,
            List.of(
                "Set an alarm for {hour}:{minute}",
                "Alarm at {hour}:{minute}",
                "Please set the alarm to hour {hour} and minute {minute}",
                "I need an alarm at {hour}:{minute}",
                "Minute {minute}, hour {hour}, set an alarm"),
            PhrasingSet.UNSEEN,
            List.of(
                "Let the alarm ring at {hour}:{minute}",
                "With minute {minute} of hour {hour} set my alarm",
                "Wake me up at {hour}:{minute}"),
            PhrasingSet.NEVER,
            List.of(
                "I must be out of bed by {hour}:{minute}", "Make noise at {minute} past {hour}")));
  }

  private static ToolSpec startTimer() {
    return new ToolSpec(
        "start_timer",
        List.of(number("minutes", 10, 99), number("seconds", 10, 59)),
        Map.of(
            PhrasingSet.SEEN,
            List.of(
                "Start a timer for {minutes} minutes and {seconds} seconds",
                "Timer: {minutes} minutes {seconds} seconds",
                "Set a timer of {minutes} minutes, {seconds} seconds",
                "I need a timer for {minutes} minutes, {seconds} seconds",
                "With {seconds} seconds and {minutes} minutes start a timer"),
            PhrasingSet.UNSEEN,
            List.of(
                "Have a timer run {minutes} minutes and {seconds} seconds",
                "Let the timer go for {seconds} seconds over {minutes} minutes",
                "Count down {minutes} minutes and {seconds} seconds"),
            PhrasingSet.NEVER,
            List.of(
                "Beep once {minutes}:{seconds} have passed",
                "Measure {seconds} seconds on top of {minutes} minutes")));
  }

  private static ToolSpec setHeating() {
    return new ToolSpec(
        "set_heating",
        List.of(word("room", ROOMS), number("degrees", 10, 35)),
        Map.of(
            PhrasingSet.SEEN,
            List.of(
                "Set the heating in the {room} to {degrees} degrees",
                "Heating in the {room} at {degrees} degrees",
                "Heat the {room} to {degrees} degrees",
                "Please set {degrees} degrees of heating for the {room}",
                "For the {room} I want heating at {degrees} degrees"),
            PhrasingSet.UNSEEN,
            List.of(
                "I want the heating of my {room} up at {degrees} degrees",
                "It is cold, {degrees} degrees for the {room}",
                "Make {degrees} degrees in the {room}"),
            PhrasingSet.NEVER,
            List.of(
                "The {room} should not be below {degrees} degrees",
                "Turn the {room} radiator to {degrees}")));
  }

  private static ToolSpec playMusic() {
    return new ToolSpec(
        "play_music",
        List.of(word("room", ROOMS), number("volume", 10, 99)),
        Map.of(
            PhrasingSet.SEEN,
            List.of(
                "Play music in the {room} at volume {volume}",
                "Music in the {room}, volume {volume}",
                "Please play some music in the {room} with volume {volume}",
                "At volume {volume} play music in the {room}",
                "For the {room} I want music at volume {volume}"),
            PhrasingSet.UNSEEN,
            List.of(
                "I want some music for the {room}, have volume {volume}",
                "With a volume of {volume} let music run in the {room}",
                "Songs for the {room}, up to {volume}"),
            PhrasingSet.NEVER,
            List.of(
                "Let the {room} speakers run at {volume}",
                "Put on a tune, {volume} loud, {room}")));
  }

  private static ToolSpec bodyMass() {
    return new ToolSpec(
        "body_mass",
        List.of(number("weight", 40, 120), number("height", 140, 210)),
        Map.of(
            PhrasingSet.SEEN,
            List.of(
                "Body mass for weight {weight} and height {height}",
                "Compute the body mass, weight {weight}, height {height}",
                "What is my body mass with weight {weight} and height {height}",
                "Find the body mass of weight {weight} and height {height}",
                "With height {height} and weight {weight}, what is my body mass"),
            PhrasingSet.UNSEEN,
            List.of(
                "Tell me the body mass, I have weight {weight} and height {height}",
                "My height is {height}, weight {weight}, what body mass is it",
                "Am I heavy, weight {weight} and {height} tall"),
            PhrasingSet.NEVER,
            List.of(
                "Is {weight} kilos fine for someone {height} tall",
                "My doctor asks: {height} high, {weight} heavy")));
  }

  private static ToolSpec orderPizza() {
    return new ToolSpec(
        "order_pizza",
        List.of(number("count", 10, 60), word("person", PEOPLE)),
        Map.of(
            PhrasingSet.SEEN,
            List.of(
                "Order {count} pizza for {person}",
                "Please order pizza for {person}, count {count}",
                "I need {count} pizza sent to {person}",
                "Pizza order: {count} for {person}",
                "For {person} I want to order {count} pizza"),
            PhrasingSet.UNSEEN,
            List.of(
                "We want pizza for {person}, order {count}",
                "For {person} get pizza, have {count} of it",
                "Let {person} eat {count} of them"),
            PhrasingSet.NEVER,
            List.of(
                "Feed {person} and friends, {count} slices",
                "{count} margheritas go to {person}")));
  }
}
