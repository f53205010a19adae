package org.grpo4j.trainer.plugin;

import java.lang.reflect.InvocationTargetException;
import org.grpo4j.torch.InputException;

/** Makes objects of the classes that a configuration names. */
public final class UserClasses {
  private UserClasses() {}

  /**
   * An object of a class by its fully-qualified name, loaded with the context class loader and made
   * with its public no-argument constructor.
   *
   * @param kind what the class is for, in messages: "reward"
   * @param name of the class
   * @param type what it must implement
   * @throws InputException if there is no such class, or it is not fit
   */
  public static <T> T create(String kind, String name, Class<T> type) {
    Class<? extends T> found = load(kind, name, type);
    try {
      return found.getConstructor().newInstance();
    } catch (InvocationTargetException e) {
      throw new InputException(
          kind + " class " + name + " failed in its constructor: " + e.getCause(), e);
    } catch (ReflectiveOperationException e) {
      throw new InputException(
          kind + " class " + name + " needs to be public, with a public no-argument constructor",
          e);
    }
  }

  private static <T> Class<? extends T> load(String kind, String name, Class<T> type) {
    ClassLoader context = Thread.currentThread().getContextClassLoader();
    ClassLoader loader = context != null ? context : UserClasses.class.getClassLoader();
    Class<?> found;
    try {
      found = Class.forName(name, true, loader);
    } catch (ClassNotFoundException e) {
      throw new InputException(
          kind + " class " + name + " is not on the class path; add its jar or folder to it", e);
    } catch (LinkageError e) {
      throw new InputException(kind + " class " + name + " can't be loaded: " + e, e);
    }
    if (!type.isAssignableFrom(found)) {
      throw new InputException(kind + " class " + name + " does not implement " + type.getName());
    }
    return found.asSubclass(type);
  }
}
