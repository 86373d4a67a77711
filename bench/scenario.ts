// What a scenario is: it runs something and tells figures by name.

export type Figures = Readonly<Record<string, number>>;
export type Scenario = (options: Readonly<Record<string, string | undefined>>) => Promise<Figures>;
